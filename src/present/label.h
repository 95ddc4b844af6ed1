/*-------------------------------------------------------------------------
 *
 * label.h
 *	  Texts of users as a picture shows them: characters with a width, in lines.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_LABEL_H
#define CX_LABEL_H

#include "postgres.h"

#include "mb/pg_wchar.h"

/* Characters of a text that are kept; the last of a longer one is an ellipsis. */
#define LABEL_LIMIT 1000

/* A text as Unicode characters. */
typedef struct Label
{
	int			length;			/* characters */
	pg_wchar   *characters;		/* code points, in reading order */
} Label;

/* A line of a wrapped label. */
typedef struct LabelLine
{
	int			start;			/* its first character */
	int			end;			/* the character after its last one */
	bool		is_cut;			/* followed by an ellipsis, for there is more */
} LabelLine;

extern Label label_of(const char *text);
extern double label_width(const Label *label, int start, int end);
extern int	label_wrap(const Label *label, double width, LabelLine *lines, int max_lines);

#endif							/* CX_LABEL_H */
