/*-------------------------------------------------------------------------
 *
 * feature_reader.c
 *	  Reads the features of a model out of rows.
 *
 * What stands where is found once for a row type.  A row then costs one step
 * for each column, and an array column without NULLs is copied as it stands.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "predict/feature.h"

/* A column that features are read from. */
typedef struct FeatureColumn
{
	const char *name;			/* of the column */
	int			attribute;		/* its place in the row, from 0 on */
	bool		is_array;
	Oid			type;			/* base type of the column, or of its elements */
	FeatureKind kind;
	LevelTable *levels;			/* of a category */
	int			count;			/* features in it: one, unless it is an array */
	int		   *positions;		/* where their numbers go */
	int		   *elements;		/* which elements they are, from 0 on */
	int			longest;		/* elements that an array must have */
	int16		size;			/* storage of an element, as deconstruct_array() asks for it */
	bool		by_value;
	char		alignment;
} FeatureColumn;

/* The columns to read. */
struct FeatureReader
{
	int			column_count;
	FeatureColumn *columns;
	FeatureColumn **by_feature; /* the column of each feature */
};

/* What the model needs, as detail of an error. */
static int
needed_columns(const Feature *features, int count)
{
	return errdetail("The model needs %s.", features_listed(features, count));
}

/* The place of the column of a feature in a row type. */
static int
find_attribute(const Feature *feature, const Feature *features, int count, TupleDesc row)
{
	int			found = -1;

	for (int i = 0; i < row->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(row, i);

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), feature->column) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("record has two columns \"%s\"", feature->column),
					 errhint("Give the other one a different name.")));
		found = i;
	}
	if (found < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("record has no column \"%s\", which the model needs", feature->column),
				 needed_columns(features, count),
				 errhint("Give the columns of the model's training query under their names; others are ignored.")));
	return found;
}

/* Refuse a column whose type does not suit its feature. */
static void
check_type(const Feature *feature, const Feature *features, int count, Form_pg_attribute attribute)
{
	FeatureKind kind;
	bool		is_array;

	if (feature_kind_of(attribute->atttypid, &kind, &is_array) && kind == feature->kind && is_array == (feature->element > 0))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" is of type %s, but the model was trained with %s", feature->column, format_type_be(attribute->atttypid),
					feature->element > 0 ? "an array of numbers" : feature_kind_phrase(feature->kind)),
			 needed_columns(features, count),
			 errhint("Cast the column to the type that it had in the training query.")));
}

/* Describe the column of a feature that is the first one found in it. */
static void
column_start(FeatureColumn *column, const Feature *feature, int attribute, TupleDesc row, int most)
{
	Oid			type = TupleDescAttr(row, attribute)->atttypid;

	column->name = pstrdup(feature->column);
	column->attribute = attribute;
	column->is_array = feature->element > 0;
	column->type = getBaseType(column->is_array ? get_base_element_type(type) : type);
	column->kind = feature->kind;
	column->levels = feature->kind == FEATURE_CATEGORY ? level_table_new(feature->levels, feature->level_count) : NULL;
	column->count = 0;
	column->positions = (int *) palloc(mul_size(most, sizeof(int)));
	column->elements = (int *) palloc(mul_size(most, sizeof(int)));
	column->longest = 0;
	get_typlenbyvalalign(column->type, &column->size, &column->by_value, &column->alignment);
}

/* Note that this feature is in the column. */
static void
column_add(FeatureColumn *column, const Feature *feature, int position)
{
	column->positions[column->count] = position;
	column->elements[column->count++] = feature->element - 1;
	column->longest = Max(column->longest, feature->element);
}

/* Get ready, in the current memory context, to read these features out of rows of this type. */
FeatureReader *
feature_reader_new(const Feature *features, int count, TupleDesc row)
{
	FeatureReader *reader = (FeatureReader *) palloc0(sizeof(FeatureReader));
	FeatureColumn **known = (FeatureColumn **) palloc0(mul_size(row->natts, sizeof(FeatureColumn *)));

	reader->by_feature = (FeatureColumn **) palloc(mul_size(count, sizeof(FeatureColumn *)));
	reader->columns = (FeatureColumn *) palloc0(mul_size(count, sizeof(FeatureColumn)));
	for (int i = 0; i < count; i++)
	{
		int			attribute = find_attribute(&features[i], features, count, row);

		check_type(&features[i], features, count, TupleDescAttr(row, attribute));
		if (known[attribute] == NULL)
		{
			known[attribute] = &reader->columns[reader->column_count++];
			column_start(known[attribute], &features[i], attribute, row, features[i].element > 0 ? count - i : 1);
		}
		else if (features[i].element == 0)
			elog(ERROR, "column \"%s\" is two features", features[i].column);
		column_add(known[attribute], &features[i], i);
		reader->by_feature[i] = known[attribute];
	}
	pfree(known);
	return reader;
}

/* A number as a feature: one that is not finite is missing. */
static inline double
finite_or_missing(double number)
{
	return isfinite(number) ? number : NAN;
}

/* The number of a scalar's value. */
static double
read_scalar(const FeatureColumn *column, Datum value)
{
	const char *name;
	int			length;

	if (column->type == FLOAT8OID)
		return finite_or_missing(DatumGetFloat8(value));
	if (column->kind != FEATURE_CATEGORY)
		return feature_number(column->kind, column->type, value);
	name = feature_text(column->type, value, &length);
	return level_table_find(column->levels, name, length);
}

/* Read an array of doubles without NULLs. */
static void
read_doubles(const FeatureColumn *column, const double *elements, double *numbers)
{
	for (int i = 0; i < column->count; i++)
		numbers[column->positions[i]] = finite_or_missing(elements[column->elements[i]]);
}

/* Read any other array. */
static void
read_elements(const FeatureColumn *column, ArrayType *array, double *numbers)
{
	Datum	   *values;
	bool	   *nulls;
	int			length;

	deconstruct_array(array, ARR_ELEMTYPE(array), column->size, column->by_value, column->alignment, &values, &nulls, &length);
	for (int i = 0; i < column->count; i++)
	{
		int			element = column->elements[i];

		numbers[column->positions[i]] = nulls[element] ? NAN : feature_number(column->kind, column->type, values[element]);
	}
	pfree(values);
	pfree(nulls);
}

/* Read the features in an array. */
static void
read_array(const FeatureColumn *column, Datum value, double *numbers)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			length = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array in column \"%s\" has %d dimensions", column->name, ARR_NDIM(array)),
				 errhint("Give an array of one dimension.")));
	if (length < column->longest)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("array in column \"%s\" has %d elements, but the model needs at least %d", column->name, length, column->longest),
				 errhint("Give the array all elements that it had in the training query, NULL where one is not known.")));
	if (column->type == FLOAT8OID && !ARR_HASNULL(array))
		read_doubles(column, (const double *) ARR_DATA_PTR(array), numbers);
	else
		read_elements(column, array, numbers);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
}

/* Read the features of a row, NaN where they are missing. */
void
feature_reader_read(FeatureReader *reader, const Datum *values, const bool *nulls, double *numbers)
{
	for (int i = 0; i < reader->column_count; i++)
	{
		const FeatureColumn *column = &reader->columns[i];

		if (nulls[column->attribute])
			for (int j = 0; j < column->count; j++)
				numbers[column->positions[j]] = NAN;
		else if (column->is_array)
			read_array(column, values[column->attribute], numbers);
		else
			numbers[column->positions[0]] = read_scalar(column, values[column->attribute]);
	}
}

/* The value of a feature as text, of a category as it stands in the row; NULL where it is missing. */
char *
feature_reader_text(const FeatureReader *reader, int feature, const Datum *values, double number)
{
	const FeatureColumn *column = reader->by_feature[feature];
	const char *name;
	int			length;

	if (isnan(number))
		return NULL;
	if (column->kind != FEATURE_CATEGORY)
		return feature_number_text(column->kind, column->type, number);
	name = feature_text(column->type, values[column->attribute], &length);
	return pnstrdup(name, length);
}
