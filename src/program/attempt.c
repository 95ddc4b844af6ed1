/*-------------------------------------------------------------------------
 *
 * attempt.c
 *	  Work in a subtransaction: what it did is undone if it fails, and the
 *	  statement goes on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "program/attempt.h"

/* Do the work in a subtransaction and in memory of its own; if it fails, undo it and give the error. */
bool
attempt(AttemptWork work, void *argument, AttemptLimit limit, ErrorData **error)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(outer, "cx attempt", ALLOCSET_SMALL_SIZES);
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(outer);
		*error = CopyErrorData();
		FlushErrorState();
		/* first of all, for nobody else would end a subtransaction that no SAVEPOINT began */
		RollbackAndReleaseCurrentSubTransaction();
		done = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	CurrentResourceOwner = owner;
	if (!done && limit((*error)->sqlerrcode))
		ReThrowError(*error);
	MemoryContextDelete(context);
	return done;
}
