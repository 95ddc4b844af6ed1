/*-------------------------------------------------------------------------
 *
 * vectorise.h
 *	  Loops that run on wide vector registers where the processor has them.
 *
 * A function marked so is compiled twice, and the one that fits is taken when
 * the library is loaded.  Neither fuses a multiplication with an addition, so
 * loops over independent elements give the same bits on every processor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_VECTORISE_H
#define CX_VECTORISE_H

#include "postgres.h"

/* Picking one at load time takes GCC and the GNU C library. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define vectorised __attribute__((target_clones("avx2", "default")))
#else
#define vectorised
#endif

#endif							/* CX_VECTORISE_H */
