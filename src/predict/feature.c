/*-------------------------------------------------------------------------
 *
 * feature.c
 *	  Features: which columns can be one, their values as numbers, and the levels
 *	  of categories.
 *
 * No value depends on a setting of the session: times are days since
 * 2000-01-01, those with a time zone as the instants that they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "predict/feature.h"

/* Features that a message names before it only counts the rest. */
#define FEATURES_LISTED 20

/* A slot of a level table in which no level is. */
#define NO_LEVEL (-1)

/* The levels of a category by their names, in an open hash table at most half full. */
struct LevelTable
{
	int			count;			/* levels */
	uint32		mask;			/* slots less one, their number being a power of two */
	int		   *slots;			/* numbers of levels, or NO_LEVEL */
	char	  **names;			/* of the levels */
	int		   *lengths;		/* bytes of the names */
};

/* The name of a feature: its column, and which element of it if that is an array. */
char *
feature_name(const Feature *feature)
{
	if (feature->element > 0)
		return psprintf("%s[%d]", feature->column, feature->element);
	return pstrdup(feature->column);
}

/* The user's word for a kind of feature. */
const char *
feature_kind_name(FeatureKind kind)
{
	switch (kind)
	{
		case FEATURE_NUMBER:
			return "number";
		case FEATURE_BOOLEAN:
			return "boolean";
		case FEATURE_CATEGORY:
			return "category";
		case FEATURE_TIME:
			return "time";
		case FEATURE_LENGTH:
			return "interval";
	}
	elog(ERROR, "unknown kind of feature: %d", (int) kind);
}

/* What the values of a feature are, for messages. */
const char *
feature_kind_phrase(FeatureKind kind)
{
	switch (kind)
	{
		case FEATURE_NUMBER:
			return "a number";
		case FEATURE_BOOLEAN:
			return "a Boolean";
		case FEATURE_CATEGORY:
			return "a text or enum";
		case FEATURE_TIME:
			return "a date or timestamp";
		case FEATURE_LENGTH:
			return "an interval";
	}
	elog(ERROR, "unknown kind of feature: %d", (int) kind);
}

/* The names of features with their kinds, for messages. */
char *
features_listed(const Feature *features, int count)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < Min(count, FEATURES_LISTED); i++)
		appendStringInfo(&list, "%s%s (%s)", i == 0 ? "" : ", ", feature_name(&features[i]), feature_kind_name(features[i].kind));
	if (count > FEATURES_LISTED)
		appendStringInfo(&list, " and %d more", count - FEATURES_LISTED);
	return list.data;
}

/* Whether values of this type, which is no domain, are one feature, and of which kind. */
static bool
feature_kind_of_scalar(Oid type, FeatureKind *kind)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			*kind = FEATURE_NUMBER;
			return true;
		case BOOLOID:
			*kind = FEATURE_BOOLEAN;
			return true;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
			*kind = FEATURE_CATEGORY;
			return true;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			*kind = FEATURE_TIME;
			return true;
		case INTERVALOID:
			*kind = FEATURE_LENGTH;
			return true;
		default:
			*kind = FEATURE_CATEGORY;
			return get_typtype(type) == TYPTYPE_ENUM;
	}
}

/* Whether a column of this type is a feature, or an array of such, and of which kind. */
bool
feature_kind_of(Oid type, FeatureKind *kind, bool *is_array)
{
	Oid			element = get_base_element_type(type);

	*is_array = OidIsValid(element);
	if (!*is_array)
		return feature_kind_of_scalar(getBaseType(type), kind);
	return feature_kind_of_scalar(getBaseType(element), kind) && *kind == FEATURE_NUMBER;
}

/* Days in an interval, its years and months counted as extract(epoch) does. */
static double
interval_days(const Interval *interval)
{
	if (INTERVAL_NOT_FINITE(interval))
		return NAN;
	return interval->month / MONTHS_PER_YEAR * DAYS_PER_YEAR + interval->month % MONTHS_PER_YEAR * (double) DAYS_PER_MONTH +
		interval->day + interval->time / (double) USECS_PER_DAY;
}

/* The value of a scalar that is no category; may be infinite. */
static double
scalar_number(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case NUMERICOID:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
		case BOOLOID:
			return DatumGetBool(value) ? 1 : 0;
		case DATEOID:
			return DATE_NOT_FINITE(DatumGetDateADT(value)) ? NAN : DatumGetDateADT(value);
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return TIMESTAMP_NOT_FINITE(DatumGetTimestamp(value)) ? NAN : DatumGetTimestamp(value) / (double) USECS_PER_DAY;
		case INTERVALOID:
			return interval_days(DatumGetIntervalP(value));
		default:
			elog(ERROR, "type %u has no number", type);
	}
}

/* The value of a scalar of this base type that is no category as a number, NaN where it is missing or infinite. */
double
feature_number(FeatureKind kind, Oid type, Datum value)
{
	double		number = scalar_number(type, value);

	Assert(kind != FEATURE_CATEGORY);
	return isfinite(number) ? number : NAN;
}

/* The label of an enum's value. */
static const char *
enum_text(Oid value, int *length)
{
	HeapTuple	row = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	char	   *label;

	if (!HeapTupleIsValid(row))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", value)));
	label = pstrdup(NameStr(((Form_pg_enum) GETSTRUCT(row))->enumlabel));
	ReleaseSysCache(row);
	*length = strlen(label);
	return label;
}

/* The text of a category's value of this base type, *length bytes that no zero ends. */
const char *
feature_text(Oid type, Datum value, int *length)
{
	text	   *packed;

	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
			packed = DatumGetTextPP(value);
			*length = VARSIZE_ANY_EXHDR(packed);
			return VARDATA_ANY(packed);
		case BPCHAROID:
			packed = DatumGetBpCharPP(value);
			*length = bpchartruelen(VARDATA_ANY(packed), VARSIZE_ANY_EXHDR(packed));
			return VARDATA_ANY(packed);
		case NAMEOID:
			*length = strlen(NameStr(*DatumGetName(value)));
			return NameStr(*DatumGetName(value));
		default:
			return enum_text(DatumGetObjectId(value), length);
	}
}

/* A time as ISO 8601 writes it, in UTC if it is of a time zone. */
static char *
time_text(Oid type, double days)
{
	struct pg_tm time;
	fsec_t		microseconds;
	char		written[MAXDATELEN + 1];

	if (timestamp2tm((Timestamp) rint(days * USECS_PER_DAY), NULL, &time, &microseconds, NULL, NULL) != 0)
		return psprintf("%.0f days", days);
	if (type == DATEOID)
		EncodeDateOnly(&time, USE_ISO_DATES, written);
	else
		EncodeDateTime(&time, microseconds, type == TIMESTAMPTZOID, 0, NULL, USE_ISO_DATES, written);
	return pstrdup(written);
}

/* The number of a feature that is no category as text, with the digits that its type needs. */
char *
feature_number_text(FeatureKind kind, Oid type, double number)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (kind == FEATURE_BOOLEAN)
		return pstrdup(number != 0 ? "true" : "false");
	if (kind == FEATURE_TIME)
		return time_text(type, number);
	if (type == FLOAT4OID)
		(void) float_to_shortest_decimal_buf((float) number, digits);
	else
		(void) double_to_shortest_decimal_buf(number, digits);
	return psprintf(kind == FEATURE_LENGTH ? "%s days" : "%s", digits);
}

/* The slot in which a level is, or the empty one where it would be. */
static uint32
level_slot(const LevelTable *table, const char *name, int length)
{
	uint32		slot = hash_bytes((const unsigned char *) name, length) & table->mask;
	int			level;

	while ((level = table->slots[slot]) != NO_LEVEL &&
		   (table->lengths[level] != length || memcmp(table->names[level], name, length) != 0))
		slot = (slot + 1) & table->mask;
	return slot;
}

/* A table of these levels, which must outlive it; of equal names it knows the first. */
LevelTable *
level_table_new(char *const *levels, int count)
{
	LevelTable *table = (LevelTable *) palloc(sizeof(LevelTable));

	table->count = count;
	table->mask = pg_nextpower2_32(2 * count + 1) - 1;
	table->slots = (int *) palloc(mul_size(table->mask + 1, sizeof(int)));
	table->names = (char **) palloc(mul_size(count, sizeof(char *)));
	table->lengths = (int *) palloc(mul_size(count, sizeof(int)));
	for (uint32 slot = 0; slot <= table->mask; slot++)
		table->slots[slot] = NO_LEVEL;
	for (int level = 0; level < count; level++)
	{
		uint32		slot;

		table->names[level] = levels[level];
		table->lengths[level] = strlen(levels[level]);
		slot = level_slot(table, levels[level], table->lengths[level]);
		if (table->slots[slot] == NO_LEVEL)
			table->slots[slot] = level;
	}
	return table;
}

/* The number of the level with this name, or the number of levels if none has. */
int
level_table_find(const LevelTable *table, const char *name, int length)
{
	int			level = table->slots[level_slot(table, name, length)];

	return level == NO_LEVEL ? table->count : level;
}
