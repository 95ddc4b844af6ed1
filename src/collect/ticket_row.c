/*-------------------------------------------------------------------------
 *
 * ticket_row.c
 *	  Status, priority and times of tickets that are captured.
 *
 * A row is taken as its table says it.  What follows from that, such as when a
 * ticket was solved whose table does not say, depends on the ticket as it was:
 * the statements in target.c and the triggers on cx_data.ticket see to it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "collect/ticket_row.h"

/* The status, where the mapping gives none, by whether the row says when it was solved or closed. */
static const char *
status_by_times(TupleTableSlot *slot)
{
	if (!slot->tts_isnull[FIELD_CLOSED_AT])
		return "closed";
	return slot->tts_isnull[FIELD_SOLVED_AT] ? "open" : "solved";
}

/* Put the status into the row; other tools say resolved. */
static bool
ready_set_status(const Mapping *mapping, TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	const char *status = mapping->expressions[FIELD_STATUS] == NULL ? status_by_times(slot) : mapped_text(slot, FIELD_STATUS);

	if (status != NULL && strcmp(status, "resolved") == 0)
		status = "solved";
	if (!check_status(status, problem))
		return false;
	values[READY_STATUS] = CStringGetTextDatum(status);
	nulls[READY_STATUS] = false;
	return true;
}

/* Put the priority into the row. */
static bool
ready_set_priority(TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	const char *priority = slot->tts_isnull[FIELD_PRIORITY] ? "normal" : mapped_text(slot, FIELD_PRIORITY);

	values[READY_PRIORITY] = CStringGetTextDatum(priority);
	nulls[READY_PRIORITY] = false;
	return check_priority(priority, problem);
}

/* Put a time into the row, if it is given. */
static bool
ready_set_time(const Mapping *mapping, TupleTableSlot *slot, MappingField field, int column, Datum *values, bool *nulls, Problem *problem)
{
	values[column] = slot->tts_values[field];
	nulls[column] = slot->tts_isnull[field];
	return nulls[column] || check_time(DatumGetTimestampTz(values[column]), mapping_field_name(mapping, field), problem);
}

/* Put into the row how often it was reopened; NULL, which is for counting it here, only if the mapping does not give it. */
static bool
ready_set_reopened(const Mapping *mapping, TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	int			reopened = slot->tts_isnull[FIELD_REOPENED] ? 0 : DatumGetInt32(slot->tts_values[FIELD_REOPENED]);

	values[READY_REOPEN_COUNT] = Int32GetDatum(reopened);
	nulls[READY_REOPEN_COUNT] = mapping->expressions[FIELD_REOPENED] == NULL;
	return check_reopened(reopened, problem);
}

/* Put into the row when it was changed last, if that is known. */
static void
ready_set_changed_at(TupleTableSlot *slot, Datum *values, bool *nulls)
{
	values[READY_CHANGED_AT] = slot->tts_values[FIELD_CHANGED_AT];
	nulls[READY_CHANGED_AT] = slot->tts_isnull[FIELD_CHANGED_AT] ||
		TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(slot->tts_values[FIELD_CHANGED_AT]));
}

/* Put into a row that is to be ready what only tickets have; false, and what is wrong, if that cannot be. */
bool
ticket_row_set(const Mapping *mapping, TupleTableSlot *slot, Datum *values, bool *nulls, Problem *problem)
{
	values[READY_ROOT_CAUSE] = slot->tts_values[FIELD_ROOT_CAUSE];
	nulls[READY_ROOT_CAUSE] = slot->tts_isnull[FIELD_ROOT_CAUSE];
	ready_set_changed_at(slot, values, nulls);
	return ready_set_status(mapping, slot, values, nulls, problem) &&
		ready_set_priority(slot, values, nulls, problem) &&
		ready_set_time(mapping, slot, FIELD_FIRST_RESPONSE_AT, READY_FIRST_RESPONDED_AT, values, nulls, problem) &&
		ready_set_time(mapping, slot, FIELD_SOLVED_AT, READY_SOLVED_AT, values, nulls, problem) &&
		ready_set_time(mapping, slot, FIELD_CLOSED_AT, READY_CLOSED_AT, values, nulls, problem) &&
		ready_set_reopened(mapping, slot, values, nulls, problem);
}
