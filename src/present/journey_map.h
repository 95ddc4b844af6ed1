/*-------------------------------------------------------------------------
 *
 * journey_map.h
 *	  What a journey map shows.
 *
 * Texts stand in the database's encoding.  Where there are no answers,
 * estimates are NaN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_JOURNEY_MAP_H
#define CX_JOURNEY_MAP_H

#include "postgres.h"

#include "lib/stringinfo.h"

/* Metrics of a touchpoint that are drawn; those with the most answers. */
#define MAP_METRICS 2

/* A value with its 95 % interval. */
typedef struct MapEstimate
{
	double		value;			/* 0..100 for experiences, else in the unit of the metric */
	double		lower;			/* NaN if unknown */
	double		upper;			/* NaN if unknown */
	int64		responses;		/* answers */
} MapEstimate;

/* How a metric stands at a touchpoint. */
typedef struct MapMetric
{
	char	   *code;			/* what feedback calls it */
	char	   *name;			/* its name, or the code */
	char	   *kind;			/* nps, csat, ces or rating; NULL if the metric is gone */
	MapEstimate score;			/* by the formula of the kind */
} MapMetric;

/* Kinds of notes that are drawn. */
typedef enum MapNoteKind
{
	MAP_PAIN_POINT,
	MAP_OPPORTUNITY,
	MAP_NOTE_KINDS				/* how many */
} MapNoteKind;

/* Notes of one kind on a stage or a touchpoint. */
typedef struct MapNotes
{
	int			count;			/* how many there are */
	char	  **bodies;			/* their texts */
} MapNotes;

/* A stage. */
typedef struct MapStage
{
	char	   *name;			/* its name, or the code */
	MapEstimate score;			/* experience, as in the view stage_score */
	MapNotes	notes[MAP_NOTE_KINDS];
	int			first_column;	/* its first column, from 0 */
	int			column_count;	/* at least one */
} MapStage;

/* A column: a touchpoint, or the empty place of a stage that has none. */
typedef struct MapColumn
{
	MapStage   *stage;			/* the stage it belongs to */
	char	   *name;			/* touchpoint's name, or the code; NULL if the stage has none */
	char	   *channel;		/* NULL if unknown */
	bool		is_moment_of_truth;
	char	   *owner_staff;	/* name or code of who answers for it; NULL if nobody */
	char	   *owner_unit;		/* name or code of the unit that answers for it; NULL if none */
	MapEstimate experience;		/* as in the view emotion_curve */
	int			metric_count;	/* how many there are, drawn or not */
	MapMetric	metrics[MAP_METRICS];
	MapNotes	notes[MAP_NOTE_KINDS];
	MapEstimate drop_off;		/* percent of the customers who were there and went no further; answers are these customers */
} MapColumn;

/* A journey. */
typedef struct JourneyMap
{
	char	   *name;			/* its name, or the code */
	char	   *owner;			/* name or code of who answers for it; NULL if nobody */
	int			version;		/* published version */
	char	   *period;			/* the time that the answers are from */
	char	   *zone;			/* time zone of the program */
	int			min_responses;	/* answers that are enough */
	MapEstimate score;			/* experience, as in the view journey_score */
	int			stage_count;
	MapStage   *stages;
	int			column_count;	/* columns that are drawn */
	MapColumn  *columns;
	int64		touchpoint_count;	/* touchpoints there are, drawn or not */
} JourneyMap;

extern bool map_has_enough(const JourneyMap *map, const MapEstimate *estimate);
extern void journey_map_draw(StringInfo svg, const JourneyMap *map);

#endif							/* CX_JOURNEY_MAP_H */
