/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Every difference between the supported server majors (15 to 18).
 *
 * The rest of the code calls the newest API; this header supplies it to the
 * older servers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COMPAT_H
#define CX_COMPAT_H

#include "access/genam.h"
#include "access/htup_details.h"
#include "parser/scansup.h"
#include "storage/buffile.h"
#include "utils/datetime.h"

/* 18 lets a module state its name and version. */
#if PG_VERSION_NUM >= 180000
#define CX_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "cx", .version = CX_VERSION)
#else
#define CX_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 17 brought infinite intervals. */
#if PG_VERSION_NUM < 170000
#define INTERVAL_NOT_FINITE(interval) ((void) (interval), false)
#endif

/* 16 split the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 moved noreturn to the front of a declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#endif

/* 16 brought reading all that is asked for or failing. */
#if PG_VERSION_NUM < 160000
#define BufFileReadExact(file, bytes, size) \
	do { \
		if (BufFileRead(file, bytes, size) != (size)) \
			elog(ERROR, "temporary file ends too early"); \
	} while (0)
#endif

/* 18 counts what an index scan does, if asked to. */
#if PG_VERSION_NUM < 180000
#define index_beginscan(table, index, snapshot, instrument, keys, orderbys) \
	index_beginscan(table, index, snapshot, keys, orderbys)
#endif

/* 18 can leave room in front of a minimal tuple. */
#if PG_VERSION_NUM < 180000
#define heap_form_minimal_tuple(columns, values, nulls, extra) \
	heap_form_minimal_tuple(columns, values, nulls)
#endif

/* 18 brought generated columns that are not stored. */
#if PG_VERSION_NUM < 180000
#define ATTRIBUTE_GENERATED_VIRTUAL 'v'
#endif

/* 16 brought errors that an input function may hand back instead of throwing. */
#if PG_VERSION_NUM < 160000
#define ereturn(escontext, result, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return result; \
	} while (0)
#endif

/* 16 brought the look-up that date_trunc() uses: an abbreviation comes before a full name. */
#if PG_VERSION_NUM < 160000
static inline pg_tz *
DecodeTimezoneNameToTz(const char *name)
{
	char	   *lower = downcase_truncate_identifier(name, strlen(name), false);
	pg_tz	   *zone = NULL;
	int			offset = 0;
	int			kind = DecodeTimezoneAbbrev(0, lower, &offset, &zone);

	if (kind == TZ || kind == DTZ)
		zone = pg_tzset_offset(-offset);
	else if (kind != DYNTZ)
		zone = pg_tzset(name);
	return zone;
}
#endif

#endif							/* CX_COMPAT_H */
