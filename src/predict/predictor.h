/*-------------------------------------------------------------------------
 *
 * predictor.h
 *	  A trained model as a value: type cx.predictor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_PREDICTOR_H
#define CX_PREDICTOR_H

#include "fmgr.h"
#include "predict/feature.h"
#include "predict/forest.h"
#include "predict/logistic.h"

/* A model in memory. */
typedef struct Model
{
	bool		is_probability; /* of a Boolean outcome; else it predicts a number */
	double		calibration_offset; /* score = offset + slope * what the model says; 0 and 1 if not calibrated */
	double		calibration_slope;
	int			feature_count;
	Feature    *features;
	LinearModel *linear;		/* one of the two, the other is NULL */
	Forest	   *forest;
} Model;

#define PREDICTOR_VERSION 1
#define PREDICTOR_CHECKSUM 32	/* bytes of a SHA-256 */

/* The value.  Its bytes from the version on are its binary form; the text form is those in base64. */
typedef struct Predictor
{
	int32		vl_len_;		/* varlena header; do not touch directly */
	uint8		version;		/* layout of what follows, PREDICTOR_VERSION */
	uint8		checksum[PREDICTOR_CHECKSUM];	/* of the content: equal ones are equal models */
	uint8		content[FLEXIBLE_ARRAY_MEMBER]; /* the model, packed */
} Predictor;

#define DatumGetPredictorP(x) ((Predictor *) PG_DETOAST_DATUM(x))
#define PG_GETARG_PREDICTOR_P(n) DatumGetPredictorP(PG_GETARG_DATUM(n))

extern Predictor *predictor_pack(const Model *model);
extern Model *predictor_unpack(const Predictor *predictor);
extern double model_score(const Model *model, const double *values);
extern double model_prediction(const Model *model, double score);
extern double model_explain(const Model *model, const double *values, double *contributions);

#endif							/* CX_PREDICTOR_H */
