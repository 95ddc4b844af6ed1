/*-------------------------------------------------------------------------
 *
 * survival.h
 *	  How long customers stay: the type cx.survival_curve, the list that is
 *	  collected on the way to it, and the walk along it.
 *
 * All of it is counts of customers by duration, so that nothing is lost and
 * curves add up; the Kaplan-Meier estimate is computed when it is asked for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SURVIVAL_H
#define CX_SURVIVAL_H

#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

#define SURVIVAL_VERSION 1

/* The customers of one duration. */
typedef struct SurvivalPoint
{
	double		time;			/* the duration, in the caller's unit: finite, 0 or more */
	int64		events;			/* customers whose time ended after it */
	int64		censored;		/* customers seen that long, whose time had not ended */
} SurvivalPoint;

/* The value: at least one point, times ascending, each with a customer. */
typedef struct SurvivalCurve
{
	int32		vl_len_;		/* varlena header; do not touch directly */
	uint8		version;		/* layout of what follows, SURVIVAL_VERSION */
	uint8		unused[3];		/* always zero, so equal curves are equal bytes */
	SurvivalPoint points[FLEXIBLE_ARRAY_MEMBER];
} SurvivalCurve;

/* Points that a value has room for. */
#define MOST_SURVIVAL_POINTS ((MaxAllocSize - offsetof(SurvivalCurve, points)) / sizeof(SurvivalPoint))

#define DatumGetSurvivalCurveP(datum) survival_curve_check((SurvivalCurve *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_SURVIVAL_CURVE_P(n) DatumGetSurvivalCurveP(PG_GETARG_DATUM(n))

/* Customers in the order in which they come; those of a duration are joined again and again. */
typedef struct SurvivalList
{
	MemoryContext context;		/* where all this lives */
	int64		customers;		/* in all points together */
	uint64		count;			/* points, of which several may have one time */
	uint64		ordered;		/* the first so many ascend and have different times */
	uint64		room;			/* points that fit */
	SurvivalPoint *points;
	uint32	   *recent;			/* by hash of a time, where a point with it may be; NULL while the list is small */
	int			recent_shift;	/* makes a slot of it out of a 64-bit hash */
} SurvivalList;

/* The Kaplan-Meier estimate at one time of a curve after the other. */
typedef struct SurvivalWalk
{
	const SurvivalPoint *next;	/* the point to come */
	const SurvivalPoint *end;	/* the point after the last one */
	double		time;
	int64		at_risk;		/* customers whose duration is at least time */
	int64		events;			/* of those, whose time ended at time */
	int64		censored;		/* and who were seen no longer */
	double		survival;		/* share that stays longer than time, 0..1 */
	double		log_survival;	/* its logarithm */
	double		greenwood;		/* sum of events / (at_risk (at_risk - events)), the variance of log_survival */
} SurvivalWalk;

extern void survival_count(int64 *customers, int64 more);
extern SurvivalList *survival_list_new(MemoryContext context);
extern void survival_list_order(SurvivalList *list);
extern void survival_list_add(SurvivalList *list, double duration, bool ended);
extern void survival_list_add_points(SurvivalList *list, const void *points, uint64 count);
extern double survival_duration(double duration);
extern double survival_interval_argument(FunctionCallInfo fcinfo, int position);

extern SurvivalCurve *survival_curve_check(SurvivalCurve *curve);
extern uint64 survival_curve_count(const SurvivalCurve *curve);
extern int64 survival_curve_customers(const SurvivalCurve *curve);

extern SurvivalWalk survival_walk(const SurvivalCurve *curve);
extern bool survival_walk_on(SurvivalWalk *walk);
extern double survival_std_error(const SurvivalWalk *walk);
extern double survival_bound(const SurvivalWalk *walk, double critical);
extern double survival_quantile_value(const SurvivalCurve *curve, double share, double critical);

#endif							/* CX_SURVIVAL_H */
