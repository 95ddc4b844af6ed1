/*-------------------------------------------------------------------------
 *
 * bucket.c
 *	  bucket(unit, at): date_trunc() that remembers the last buckets.
 *
 * Cutting a time to its day costs more than counting the answer, so each call
 * site keeps spans of time over which date_trunc() is known to be constant.
 * A span ends where the unit ends or where the zone changes its clock,
 * whichever comes first; its value always comes from date_trunc() itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "measure/unix_time.h"

#define BUCKET_SPANS 256		/* power of two */

/* What may be asked for, with a power of two of microseconds below its length. */
typedef struct BucketUnit
{
	const char *name;
	int			shift;			/* spreads neighbouring buckets over the spans */
	int			months;			/* length in months, or 0 */
	int64		microseconds;	/* length in microseconds, or 0 */
} BucketUnit;

static const BucketUnit bucket_units[] = {
	{"hour", 31, 0, USECS_PER_HOUR},
	{"day", 36, 0, USECS_PER_DAY},
	{"week", 39, 0, 7 * USECS_PER_DAY},
	{"month", 41, 1, 0},
	{"quarter", 42, 3, 0},
	{"year", 44, 12, 0},
};

/* A span of time with one and the same bucket. */
typedef struct BucketSpan
{
	TimestampTz start;			/* first instant */
	TimestampTz end;			/* first instant after it; not above start if unused */
	TimestampTz bucket;			/* date_trunc() of each instant in between */
} BucketSpan;

/* What one call site remembers. */
typedef struct BucketCache
{
	const BucketUnit *unit;
	pg_tz	   *zone;			/* NULL as long as nothing is known */
	bool		zone_may_change;	/* its name may be an abbreviation, whose meaning settings decide */
	int			unit_length;	/* bytes of the unit's text as the caller wrote it */
	int			zone_length;	/* the same for the zone, 0 in the two-argument form */
	char		unit_text[16];
	char		zone_text[TZ_STRLEN_MAX + 1];
	BucketSpan	spans[BUCKET_SPANS];
} BucketCache;

/* Whether an argument still reads as it did; saves looking it up again. */
static inline bool
bucket_same_text(text *argument, const char *known, int length)
{
	return (int) VARSIZE_ANY_EXHDR(argument) == length &&
		memcmp(VARDATA_ANY(argument), known, length) == 0;
}

/* The unit of this name. */
static const BucketUnit *
bucket_find_unit(const char *name)
{
	for (int i = 0; i < (int) lengthof(bucket_units); i++)
		if (pg_strcasecmp(name, bucket_units[i].name) == 0)
			return &bucket_units[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unit \"%s\" is not a bucket", name),
			 errhint("Use hour, day, week, month, quarter or year.")));
}

/* The zone of this name. */
static pg_tz *
bucket_find_zone(const char *name)
{
	pg_tz	   *zone = strlen(name) <= TZ_STRLEN_MAX ? DecodeTimezoneNameToTz(name) : NULL;

	if (zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" not recognized", name)));
	return zone;
}

/* Remember a zone by its name; the result is the zone. */
static pg_tz *
bucket_remember_zone(BucketCache *cache, text *zone)
{
	char	   *name = text_to_cstring(zone);
	pg_tz	   *found = bucket_find_zone(name);

	cache->zone_length = strlen(name);
	memcpy(cache->zone_text, name, cache->zone_length + 1);
	/* full names have a slash, and UTC is UTC */
	cache->zone_may_change = strchr(name, '/') == NULL && strcmp(name, "UTC") != 0;
	return found;
}

/* Forget everything and get ready for this unit and zone. */
static void
bucket_reset(BucketCache *cache, text *unit, text *zone)
{
	char	   *unit_name = text_to_cstring(unit);

	cache->zone = NULL;			/* in case of an error below */
	cache->unit = bucket_find_unit(unit_name);
	cache->unit_length = strlen(unit_name);
	memcpy(cache->unit_text, unit_name, cache->unit_length);
	memset(cache->spans, 0, sizeof(cache->spans));
	cache->zone = zone == NULL ? session_timezone : bucket_remember_zone(cache, zone);
}

/* Whether the zone still is the one that is remembered. */
static inline bool
bucket_same_zone(const BucketCache *cache, text *zone)
{
	if (zone == NULL)
		return cache->zone == session_timezone;
	return bucket_same_text(zone, cache->zone_text, cache->zone_length) &&
		(!cache->zone_may_change || cache->zone == bucket_find_zone(cache->zone_text));
}

/* This call site's memory, valid for this unit and zone. */
static inline BucketCache *
bucket_cache(FunctionCallInfo fcinfo, text *unit, text *zone)
{
	BucketCache *cache = (BucketCache *) fcinfo->flinfo->fn_extra;

	if (unlikely(cache == NULL))
	{
		cache = (BucketCache *) MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(BucketCache));
		fcinfo->flinfo->fn_extra = cache;
	}
	if (unlikely(cache->zone == NULL ||
				 !bucket_same_text(unit, cache->unit_text, cache->unit_length) ||
				 !bucket_same_zone(cache, zone)))
		bucket_reset(cache, unit, zone);
	return cache;
}

/* date_trunc() itself. */
static TimestampTz
bucket_truncate(text *unit, TimestampTz at, text *zone)
{
	if (zone == NULL)
		return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_trunc, PointerGetDatum(unit),
													   TimestampTzGetDatum(at)));
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_trunc_zone, PointerGetDatum(unit),
												   TimestampTzGetDatum(at), PointerGetDatum(zone)));
}

/* Local clock time at which the unit that begins at this local clock time ends. */
static Timestamp
bucket_local_end(const BucketUnit *unit, Timestamp local_start)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			month;

	if (unit->months == 0)
		return local_start + unit->microseconds;
	if (timestamp2tm(local_start, NULL, &tm, &fsec, NULL, NULL) != 0)
		return local_start;		/* an empty span: not remembered */
	month = tm.tm_mon - 1 + unit->months;
	return (Timestamp) (date2j(tm.tm_year + month / MONTHS_PER_YEAR, month % MONTHS_PER_YEAR + 1, 1) -
						POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
}

/*
 * Find the span around an instant over which the clock is not changed and the
 * local time stays within one unit.  Local time then runs evenly, so date_trunc()
 * sees the same unit at every instant of the span.
 */
static void
bucket_find_span(const BucketCache *cache, text *unit, TimestampTz at, BucketSpan *span)
{
	pg_time_t	now = unix_seconds(at);
	pg_time_t	first;
	pg_time_t	boundary;
	long		offset;
	long		offset_after;
	int			isdst;
	int			isdst_after;
	Timestamp	local_start;
	int			found;

	found = pg_next_dst_boundary(&now, &offset, &isdst, &boundary, &offset_after, &isdst_after, cache->zone);
	if (found < 0)
		return;

	local_start = DatumGetTimestamp(DirectFunctionCall2(timestamp_trunc, PointerGetDatum(unit),
														TimestampGetDatum(at + offset * USECS_PER_SEC)));
	span->start = local_start - offset * USECS_PER_SEC;
	span->end = bucket_local_end(cache->unit, local_start) - offset * USECS_PER_SEC;
	if (found > 0)
		span->end = Min(span->end, from_unix_seconds(boundary));

	/* leave out what lies before the last change of the clock up to this instant */
	for (first = unix_seconds(span->start);
		 pg_next_dst_boundary(&first, &offset, &isdst, &boundary, &offset_after, &isdst_after, cache->zone) > 0 &&
		 boundary <= now;
		 first = boundary)
		span->start = Max(span->start, from_unix_seconds(boundary));
}

/* Whether an instant is far enough from the ends of time for plain arithmetic. */
static inline bool
bucket_is_ordinary(TimestampTz at)
{
	return at > MIN_TIMESTAMP + 1000 * USECS_PER_DAY && at < END_TIMESTAMP - 1000 * USECS_PER_DAY;
}

/* The start of the unit that an instant falls in. */
static Datum
bucket_of(FunctionCallInfo fcinfo, text *unit, TimestampTz at, text *zone)
{
	BucketCache *cache = bucket_cache(fcinfo, unit, zone);
	BucketSpan *span = &cache->spans[((uint64) at >> cache->unit->shift) & (BUCKET_SPANS - 1)];

	if (likely(at >= span->start && at < span->end))
		PG_RETURN_TIMESTAMPTZ(span->bucket);
	if (!bucket_is_ordinary(at))
		PG_RETURN_TIMESTAMPTZ(bucket_truncate(unit, at, zone));

	span->end = PG_INT64_MIN;	/* unused, in case of an error below */
	span->bucket = bucket_truncate(unit, at, zone);
	bucket_find_span(cache, unit, at, span);
	PG_RETURN_TIMESTAMPTZ(span->bucket);
}

/* Start of the hour, day, ..., year in the session's time zone. */
PG_FUNCTION_INFO_V1(bucket);
Datum
bucket(PG_FUNCTION_ARGS)
{
	return bucket_of(fcinfo, PG_GETARG_TEXT_PP(0), PG_GETARG_TIMESTAMPTZ(1), NULL);
}

/* The same in a zone that is named. */
PG_FUNCTION_INFO_V1(bucket_in_zone);
Datum
bucket_in_zone(PG_FUNCTION_ARGS)
{
	return bucket_of(fcinfo, PG_GETARG_TEXT_PP(0), PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TEXT_PP(2));
}
