/*-------------------------------------------------------------------------
 *
 * sequence_pattern.h
 *	  Patterns in the order of events: read once, matched many times.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_SEQUENCE_PATTERN_H
#define CX_SEQUENCE_PATTERN_H

#include "journey/event_list.h"

typedef struct SequencePattern SequencePattern;

extern SequencePattern *sequence_pattern_read(MemoryContext context, const text *source, int conditions);
extern const text *sequence_pattern_source(const SequencePattern *pattern);
extern bool sequence_pattern_is(const SequencePattern *pattern, const text *source, int conditions);
extern int64 sequence_pattern_count(const SequencePattern *pattern, const Event *events, uint32 count, int64 most);

#endif							/* CX_SEQUENCE_PATTERN_H */
