/*-------------------------------------------------------------------------
 *
 * sessionize.c
 *	  Window function sessionize: numbers sessions, which a pause ends.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "journey/event_list.h"
#include "measure/duration.h"
#include "measure/window.h"

/* What a partition remembers between its rows; all zero before the first one. */
typedef struct Session
{
	int64		number;			/* of the session that the last row was in, 0 before the first one */
	TimestampTz last;			/* time of that row */
} Session;

/* The gap of the current row, in microseconds. */
static int64
session_gap(WindowObject window)
{
	bool		isnull;
	Datum		gap = WinGetFuncArgCurrent(window, 1, &isnull);

	return exact_duration(isnull ? NULL : DatumGetIntervalP(gap), "gap", 0);
}

/* The number of the session that the current row is in. */
PG_FUNCTION_INFO_V1(sessionize);
Datum
sessionize(PG_FUNCTION_ARGS)
{
	WindowObject window = require_window(fcinfo, "sessionize");
	Session    *session = WinGetPartitionLocalMemory(window, sizeof(Session));
	int64		gap = session_gap(window);
	bool		isnull;
	TimestampTz at = DatumGetTimestampTz(WinGetFuncArgCurrent(window, 0, &isnull));

	if (isnull)
		PG_RETURN_NULL();
	event_check_time(at);
	if (session->number > 0 && at < session->last)
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR),
				 errmsg("rows of sessionize are not in order of time"),
				 errhint("Write ORDER BY at in the OVER clause.")));
	/* times lie further apart than a signed number reaches */
	if (session->number == 0 || (uint64) at - (uint64) session->last > (uint64) gap)
		session->number++;
	session->last = at;
	PG_RETURN_INT64(session->number);
}
