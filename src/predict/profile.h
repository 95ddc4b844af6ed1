/*-------------------------------------------------------------------------
 *
 * profile.h
 *	  How features and scores were distributed when a model was trained, which
 *	  drift is measured against.
 *
 * The stored form is {"rows": .., "features": [{"feature": .., "bounds": [..]
 * or "levels": [..], "shares": [..], "missing": ..}, ..], "score": {..}}.  A
 * share is one of all rows, so shares and missing add up to 1.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_PROFILE_H
#define CX_PROFILE_H

#include "predict/feature.h"
#include "utils/jsonb.h"

/* How one feature, or the score, is distributed over bins. */
typedef struct Bins
{
	bool		is_category;	/* a bin for each level and one for all others; else bins between bounds */
	int			bound_count;	/* bounds, if a number */
	double	   *bounds;			/* ascending; a bin ends with its bound, the last one has none */
	int			count;			/* bins, without the one of missing values */
	double	   *shares;			/* of each bin, then of missing values; they add up to 1 */
} Bins;

/* A profile in memory. */
typedef struct Profile
{
	double		rows;			/* rows counted */
	int			feature_count;
	Bins	   *bins;			/* of each feature, then of the score */
} Profile;

/* The bin that a value falls into; that after the last one if it is missing. */
static inline int
bin_of(const Bins *bins, double value)
{
	int			bin = 0;

	if (value != value)
		return bins->count;
	if (bins->is_category)
		return value >= 0 && value < bins->count ? (int) value : bins->count - 1;
	while (bin < bins->bound_count && value > bins->bounds[bin])
		bin++;
	return bin;
}

extern int64 count_missing(const double *values, int64 rows);
extern Jsonb *profile_of(const Feature *features, const FeatureMatrix *matrix, int64 rows, const double *score);
extern Profile *profile_read(Jsonb *stored, const Feature *features, int feature_count);

#endif							/* CX_PROFILE_H */
