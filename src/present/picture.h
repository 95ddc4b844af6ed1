/*-------------------------------------------------------------------------
 *
 * picture.h
 *	  What all pictures share: how they look, and how they read their numbers.
 *
 * The colours keep apart for the colour-blind (blue, grey, vermillion).
 *
 *-------------------------------------------------------------------------
 */
#ifndef CX_PICTURE_H
#define CX_PICTURE_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "present/svg.h"

/* The edge around a picture, pixels. */
#define MARGIN 28

/* Characters of a name that are kept where it stands among others: in a tooltip, in the description. */
#define PICTURE_TOOLTIP_NAME 400
#define PICTURE_DESCRIPTION_NAME 60

/* Colours. */
#define INK "#1f2937"
#define MUTED "#64707f"
#define RULE "#dfe4ea"
#define BAND "#f5f7fa"
#define BAR "#9fb6cb"
#define DARK "#274060"
#define GOOD "#0072b2"
#define NEUTRAL "#6b7280"
#define BAD "#c44e00"

extern const SvgStyle picture_title_style;
extern const SvgStyle picture_subtitle_style;
extern const SvgStyle picture_strong_style;
extern const SvgStyle picture_note_style;

extern char *picture_name(const char *name, int limit);
extern char *picture_count(int64 count);
extern char *picture_count_of(int64 count, const char *thing);

extern void picture_query(const char *query, int count, Oid *types, Datum *values, const char *nulls);
extern Datum picture_datum(uint64 row, const char *column, bool *is_null);
extern char *picture_text(uint64 row, const char *column);
extern double picture_double(uint64 row, const char *column);
extern int64 picture_bigint(uint64 row, const char *column);
extern bool picture_boolean(uint64 row, const char *column);

extern char *picture_given_title(FunctionCallInfo fcinfo, int position, const char *otherwise);
extern void picture_title(StringInfo svg, const char *title, const char *subtitle, int width);
extern void picture_begin(StringInfo svg, int width, int height, const char *name, const char *description);
extern Datum picture_end(StringInfo svg);

#endif							/* CX_PICTURE_H */
