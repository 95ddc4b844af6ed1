/*-------------------------------------------------------------------------
 *
 * feature.h
 *	  What a model knows of a customer: features, and rows of them as numbers.
 *
 * A feature is a column of the training query, or one element of an array
 * column.  Whatever its type, a value of it is one double: NaN where it is
 * missing, and the number of its level where it is a category.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_FEATURE_H
#define CX_FEATURE_H

#include "postgres.h"

#include "access/tupdesc.h"

#define MOST_FEATURES 1000		/* features of a model */
#define MOST_LEVELS 1000		/* levels of a category that a model may tell apart */

/* The letters are part of the stored form. */
typedef enum FeatureKind
{
	FEATURE_NUMBER = 'n',		/* smallint, integer, bigint, real, double precision, numeric */
	FEATURE_BOOLEAN = 'b',		/* 0 or 1 */
	FEATURE_CATEGORY = 'c',		/* text, varchar, char, name, enum: the number of its level */
	FEATURE_TIME = 't',			/* date, timestamp, timestamptz: days since 2000-01-01 */
	FEATURE_LENGTH = 'l'		/* interval: days */
} FeatureKind;

/* One feature. */
typedef struct Feature
{
	char	   *column;			/* column of the query */
	int			element;		/* element of an array column, from 1 on; 0 if the column is no array */
	FeatureKind kind;
	int			level_count;	/* levels told apart, if a category; a value of level_count is any other one */
	char	  **levels;			/* their names, the most frequent one first */
} Feature;

/* Rows of features, one column after the other, as training reads them. */
typedef struct FeatureMatrix
{
	int64		rows;
	int			features;
	double	  **columns;		/* for each feature its values, NaN where missing */
} FeatureMatrix;

/* Finds the number of a level by its name. */
typedef struct LevelTable LevelTable;

/* Where the features of a model stand in a row type, and how they are read. */
typedef struct FeatureReader FeatureReader;

extern char *feature_name(const Feature *feature);
extern const char *feature_kind_name(FeatureKind kind);
extern const char *feature_kind_phrase(FeatureKind kind);
extern char *features_listed(const Feature *features, int count);
extern bool feature_kind_of(Oid type, FeatureKind *kind, bool *is_array);
extern double feature_number(FeatureKind kind, Oid type, Datum value);
extern const char *feature_text(Oid type, Datum value, int *length);
extern char *feature_number_text(FeatureKind kind, Oid type, double number);
extern LevelTable *level_table_new(char *const *levels, int count);
extern int	level_table_find(const LevelTable *table, const char *name, int length);
extern FeatureReader *feature_reader_new(const Feature *features, int count, TupleDesc row);
extern char *feature_reader_text(const FeatureReader *reader, int feature, const Datum *values, double number);
extern void feature_reader_read(FeatureReader *reader, const Datum *values, const bool *nulls, double *numbers);

#endif							/* CX_FEATURE_H */
