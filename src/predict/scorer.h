/*-------------------------------------------------------------------------
 *
 * scorer.h
 *	  A predictor made ready for scoring, and kept for as long as a query runs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SCORER_H
#define CX_SCORER_H

#include "fmgr.h"

#include "predict/predictor.h"

/* Bytes of the longest pointer to a value that is stored out of line. */
#define TOAST_POINTER_BYTES 32

/* A model, and the row type that it reads at present. */
typedef struct Scorer
{
	MemoryContext context;		/* holds all of it */
	uint8		checksum[PREDICTOR_CHECKSUM];	/* of the predictor */
	int			pointer_length; /* bytes of the pointer below, 0 if there is none */
	char		pointer[TOAST_POINTER_BYTES];	/* where the predictor is stored, if out of line */
	text	   *name;			/* of the model whose champion it is; NULL if it was given as a value */
	bool		is_current;		/* whether it is the champion in the snapshot at hand */
	Model	   *model;
	double	   *numbers;		/* the features of the row at hand */
	double	   *contributions;	/* what each of them adds */
	uint64		row_type;		/* identifies the type of the rows read last, 0 if none */
	MemoryContext row_context;	/* holds what follows, of that type */
	FeatureReader *reader;
	TupleDesc	columns;
	Datum	   *values;			/* of these columns */
	bool	   *nulls;
} Scorer;

extern Scorer *scorer_of_predictor(FunctionCallInfo fcinfo);
extern Scorer *scorer_of_champion(FunctionCallInfo fcinfo);
extern void scorer_read(Scorer *scorer, HeapTupleHeader row);
extern double scorer_prediction(const Scorer *scorer);
extern void scorer_check_probability(const Scorer *scorer);

#endif							/* CX_SCORER_H */
