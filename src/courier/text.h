/*-------------------------------------------------------------------------
 *
 * text.h
 *	  Memory, and texts that grow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_COURIER_TEXT_H
#define CX_COURIER_TEXT_H

#include <stddef.h>

/* A text that grows; all zero is an empty one. */
typedef struct Text
{
	char	   *bytes;			/* what it holds, a zero behind it; NULL if nothing was ever added */
	size_t		length;			/* bytes, without that zero */
	size_t		room;			/* bytes allocated */
} Text;

extern void *allocate(size_t size);
extern char *copy_text(const char *text);
extern void text_append(Text *text, const char *bytes, size_t length);
extern void text_append_line(Text *text, const char *line);
extern void text_free(Text *text);
extern void make_utf8(char *text, size_t length);
extern void make_ascii(char *text);

#endif
