/*-------------------------------------------------------------------------
 *
 * model_pack.h
 *	  Packs a model into bytes, and reads it back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_MODEL_PACK_H
#define CX_MODEL_PACK_H

#include "lib/stringinfo.h"

#include "predict/predictor.h"

extern void pack_model(StringInfo content, const Model *model);
extern Model *unpack_model(const uint8 *bytes, Size length);

#endif							/* CX_MODEL_PACK_H */
