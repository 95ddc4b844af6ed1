/*-------------------------------------------------------------------------
 *
 * funnel_svg.c
 *	  Draws a funnel of cx.funnel as an SVG picture.
 *
 * A row for each step: its bar is as long as the share of those who entered,
 * its numbers stand in columns; between two rows stands what happened between
 * them.  With a breakdown there is such a block for each of its values, all on
 * the same scale, those with the most customers first.  Rows are drawn into a
 * body, for only then is the height of the picture known.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "present/picture.h"

/* The most blocks that are drawn, and steps that cx.funnel takes. */
#define FUNNEL_BLOCKS 8
#define FUNNEL_STEPS 32

/* Sizes and places, in pixels. */
#define NAME_X (MARGIN + 24)
#define NAME_WIDTH 206
#define BAR_X 272
#define BAR_WIDTH 400			/* of those who entered */
#define BAR_HEIGHT 36
#define GAP_HEIGHT 30			/* between two bars */
#define NUMBER_WIDTH 160		/* so that none is cut */
#define REACHED_X 776			/* columns of numbers end here */
#define FROM_FIRST_X 886
#define FROM_PREVIOUS_X 1000
#define IN_PROGRESS_X 1090
#define WIDTH (IN_PROGRESS_X + MARGIN)
#define TITLE_HEIGHT 104

/* The light colour between two bars. */
#define PASSAGE "#dce8f1"

/*
 * Arguments: those of cx.funnel; the most rows.  Operators are named in full,
 * for the search_path is the caller's.
 */
static const char funnel_query[] =
"SELECT f.breakdown, f.step, f.entered, f.reached, f.in_progress, f.from_previous, f.from_previous_lower, f.from_previous_upper,\n"
"	f.from_first, f.from_first_lower, f.from_first_upper, f.median_seconds,\n"
"	pg_catalog.sum(f.entered) FILTER (WHERE f.step_number OPERATOR(pg_catalog.=) 1) OVER ()::bigint AS all_entered,\n"
"	pg_catalog.sum(f.in_progress) FILTER (WHERE f.step_number OPERATOR(pg_catalog.=) 1) OVER ()::bigint AS all_in_progress,\n"
"	pg_catalog.count(*) FILTER (WHERE f.step_number OPERATOR(pg_catalog.=) 1) OVER () AS blocks, pg_catalog.max(f.step_number) OVER ()::bigint AS steps,\n"
"	pg_catalog.to_char(coalesce($4, cx.as_of()) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS as_of\n"
"FROM cx.funnel($1, $2, $3, $4) AS f\n"
"ORDER BY f.entered DESC, f.breakdown COLLATE pg_catalog.\"C\", f.step_number\n"
"LIMIT $5";

/* A share with its 95 % interval, in percent; NaN if unknown. */
typedef struct FunnelShare
{
	double		value;
	double		lower;
	double		upper;
} FunnelShare;

/* A step, as cx.funnel counts it. */
typedef struct FunnelStep
{
	char	   *name;
	int64		reached;		/* customers that had the whole window */
	int64		in_progress;	/* customers that have not had it yet */
	FunnelShare from_previous;	/* of those who reached the step before */
	FunnelShare from_first;		/* of those who entered */
	double		median_seconds; /* to the next step; NaN if unknown */
} FunnelStep;

/* A funnel, of all customers or of those with one value of the breakdown. */
typedef struct FunnelBlock
{
	char	   *breakdown;		/* NULL if unknown */
	FunnelStep *steps;
} FunnelBlock;

/* What the picture shows. */
typedef struct Funnel
{
	char	   *title;
	char	   *window;			/* in words */
	char	   *as_of;			/* time in UTC */
	int64		entered;		/* customers, also of blocks that are not drawn */
	int64		in_progress;
	int			step_count;		/* of each block */
	int			block_count;	/* blocks that are drawn */
	int64		all_blocks;		/* blocks there are */
	FunnelBlock blocks[FUNNEL_BLOCKS];
} Funnel;

static const SvgStyle head_style = {11, false, MUTED, "end"};
static const SvgStyle block_style = {16, true, DARK, "start"};
static const SvgStyle number_style = {13, false, MUTED, "start"};
static const SvgStyle name_style = {14, true, INK, "start"};
static const SvgStyle figure_style = {16, true, INK, "end"};
static const SvgStyle percent_style = {14, false, INK, "end"};
static const SvgStyle interval_style = {11, false, MUTED, "end"};
static const SvgStyle passage_style = {12, false, INK, "start"};

/* A number with up to six decimals. */
static char *
short_number(double value)
{
	char	   *text = psprintf("%.6f", value);
	int			length = strlen(text);

	while (text[length - 1] == '0')
		text[--length] = '\0';
	if (text[length - 1] == '.')
		text[length - 1] = '\0';
	return text;
}

/* A window in words: "7 days", "1 hour 30 minutes". */
static char *
window_text(const Interval *window)
{
	static const char *const units[] = {"day", "hour", "minute"};
	static const int64 lengths[] = {USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE};
	int64		rest = window->day * USECS_PER_DAY + window->time;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < (int) lengthof(units); i++)
	{
		if (rest >= lengths[i])
			appendStringInfo(&text, "%s%s", text.len > 0 ? " " : "", picture_count_of(rest / lengths[i], units[i]));
		rest %= lengths[i];
	}
	if (rest > 0)
		appendStringInfo(&text, "%s%s second%s", text.len > 0 ? " " : "", short_number((double) rest / USECS_PER_SEC), rest == USECS_PER_SEC ? "" : "s");
	return text.data;
}

/* A length of time in the unit that suits it. */
static char *
duration_text(double seconds)
{
	if (seconds < 1)
		return psprintf("%.0f ms", seconds * 1000);
	if (seconds < 90)
		return psprintf("%.1f s", seconds);
	if (seconds < 90 * SECS_PER_MINUTE)
		return psprintf("%.1f min", seconds / SECS_PER_MINUTE);
	if (seconds < 2 * SECS_PER_DAY)
		return psprintf("%.1f h", seconds / SECS_PER_HOUR);
	return psprintf("%.1f days", seconds / SECS_PER_DAY);
}

/* A share in percent. */
static char *
share_text(const FunnelShare *share)
{
	return isfinite(share->value) ? psprintf("%.1f %%", share->value) : "-";
}

/* The interval of a share, empty if it is unknown. */
static char *
share_interval(const FunnelShare *share)
{
	return isfinite(share->lower) && isfinite(share->upper) ? psprintf("%.1f to %.1f", share->lower, share->upper) : "";
}

/* A share with its interval, in a sentence. */
static char *
share_sentence(const FunnelShare *share)
{
	return psprintf("%s%s", share_text(share), isfinite(share->lower) ? psprintf(" (%s)", share_interval(share)) : "");
}

/* The name of a block; of a single one without breakdown NULL. */
static char *
block_name(const Funnel *funnel, const FunnelBlock *block)
{
	if (block->breakdown != NULL)
		return block->breakdown;
	return funnel->all_blocks > 1 ? "unknown" : NULL;
}

/* A share in three columns, whose names begin alike. */
static FunnelShare
funnel_read_share(uint64 row, const char *prefix)
{
	FunnelShare share;

	share.value = picture_double(row, prefix);
	share.lower = picture_double(row, psprintf("%s_lower", prefix));
	share.upper = picture_double(row, psprintf("%s_upper", prefix));
	return share;
}

/* Read the steps of a block, whose first one is in that row. */
static FunnelBlock
funnel_read_block(uint64 row, int step_count)
{
	FunnelBlock block = {picture_text(row, "breakdown"), palloc0(step_count * sizeof(FunnelStep))};

	for (int i = 0; i < step_count; i++)
	{
		FunnelStep *step = &block.steps[i];

		step->name = picture_text(row + i, "step");
		step->reached = picture_bigint(row + i, "reached");
		step->in_progress = picture_bigint(row + i, "in_progress");
		step->from_previous = funnel_read_share(row + i, "from_previous");
		step->from_first = funnel_read_share(row + i, "from_first");
		step->median_seconds = picture_double(row + i, "median_seconds");
	}
	return block;
}

/* Read the funnel; cx.funnel checks the arguments. */
static void
funnel_read(Funnel *funnel, FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTOID, TEXTARRAYOID, INTERVALOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[lengthof(types)] = {0};
	char		nulls[lengthof(types) + 1] = "     ";

	for (int i = 0; i < 4; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	values[4] = Int64GetDatum(FUNNEL_BLOCKS * FUNNEL_STEPS);
	picture_query(funnel_query, lengthof(types), types, values, nulls);
	funnel->window = window_text(PG_GETARG_INTERVAL_P(2));
	funnel->as_of = picture_text(0, "as_of");
	funnel->entered = picture_bigint(0, "all_entered");
	funnel->in_progress = picture_bigint(0, "all_in_progress");
	funnel->all_blocks = picture_bigint(0, "blocks");
	funnel->block_count = Min(funnel->all_blocks, FUNNEL_BLOCKS);
	funnel->step_count = picture_bigint(0, "steps");
	for (int i = 0; i < funnel->block_count; i++)
		funnel->blocks[i] = funnel_read_block(i * funnel->step_count, funnel->step_count);
}

/* How long a bar is; one that stands for somebody is seen. */
static int
bar_width(const FunnelStep *step)
{
	return step->reached == 0 ? 0 : Max(2, (int) rint(step->from_first.value / 100 * BAR_WIDTH));
}

/* The 95 % interval at the end of a bar. */
static void
draw_interval(StringInfo svg, const FunnelShare *share, int y)
{
	int			middle = y + BAR_HEIGHT / 2;
	double		x1 = BAR_X + share->lower / 100 * BAR_WIDTH;
	double		x2 = BAR_X + share->upper / 100 * BAR_WIDTH;
	char	   *path = psprintf("M%.1f %dv10m0 -5H%.1fm0 -5v10", x1, middle - 5, x2);

	/* it crosses the end of the bar, so it has an edge of its own */
	appendStringInfo(svg, "<path d=\"%s\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"4\"/>\n", path);
	appendStringInfo(svg, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", path, INK);
}

/* A share in a column of numbers. */
static void
draw_share(StringInfo svg, int x, int y, const FunnelShare *share)
{
	char	   *interval = share_interval(share);

	svg_text(svg, x, y + (interval[0] == '\0' ? 24 : 16), &percent_style, share_text(share), NUMBER_WIDTH, 1);
	if (interval[0] != '\0')
		svg_text(svg, x, y + 31, &interval_style, interval, NUMBER_WIDTH, 1);
}

/* All about a step in one sentence. */
static char *
step_sentence(const FunnelStep *step, bool is_first)
{
	return psprintf("%s: reached by %s%s%s; %s in progress", picture_name(step->name, PICTURE_TOOLTIP_NAME), picture_count_of(step->reached, "customer"),
					is_first ? "" : psprintf(", %s of the first step", share_sentence(&step->from_first)),
					is_first ? "" : psprintf(", %s of the step before", share_sentence(&step->from_previous)),
					picture_count(step->in_progress));
}

/* The name of a step, in the middle of its row. */
static void
draw_name(StringInfo svg, int y, int number, const char *name)
{
	char	   *shown = picture_name(name, PICTURE_TOOLTIP_NAME);
	int			lines = svg_text_lines(shown, &name_style, NAME_WIDTH, 2);
	int			baseline = y + BAR_HEIGHT / 2 + 5 - (lines > 1 ? 9 : 0);

	svg_text(svg, MARGIN, baseline, &number_style, psprintf("%d", number), 24, 1);
	svg_text(svg, NAME_X, baseline, &name_style, shown, NAME_WIDTH, 2);
}

/* One step: its name, bar and numbers. */
static void
draw_step(StringInfo svg, int y, int number, const FunnelStep *step)
{
	bool		is_first = number == 1;

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, step_sentence(step, is_first));
	draw_name(svg, y, number, step->name);
	svg_rectangle(svg, BAR_X, y, BAR_WIDTH, BAR_HEIGHT, 2, BAND);
	if (step->reached > 0)
		svg_rectangle(svg, BAR_X, y, bar_width(step), BAR_HEIGHT, 2, GOOD);
	if (!is_first && isfinite(step->from_first.lower))
		draw_interval(svg, &step->from_first, y);
	svg_text(svg, REACHED_X, y + 24, &figure_style, picture_count(step->reached), NUMBER_WIDTH, 1);
	if (is_first)
		svg_text(svg, FROM_FIRST_X, y + 24, &percent_style, step->reached == 0 ? "-" : "100 %", NUMBER_WIDTH, 1);
	else
	{
		draw_share(svg, FROM_FIRST_X, y, &step->from_first);
		draw_share(svg, FROM_PREVIOUS_X, y, &step->from_previous);
	}
	svg_text(svg, IN_PROGRESS_X, y + 24, &percent_style, picture_count(step->in_progress), NUMBER_WIDTH, 1);
	appendStringInfoString(svg, "</g>\n");
}

/* What happened between two steps, in words. */
static char *
passage_text(const FunnelStep *step, const FunnelStep *next)
{
	int64		lost = step->reached - next->reached;

	if (step->reached == 0)
		return "nobody to go on";
	return psprintf("%s%s", lost == 0 ? "nobody left" : psprintf("%s left (%.1f %%)", picture_count(lost), 100.0 * lost / step->reached),
					isfinite(step->median_seconds) ? psprintf("; median time to the next step %s", duration_text(step->median_seconds)) : "");
}

/* The passage from one bar to the next. */
static void
draw_passage(StringInfo svg, int y, const FunnelStep *step, const FunnelStep *next)
{
	if (next->reached > 0)
		appendStringInfo(svg, "<path d=\"M%d %dH%dL%d %dH%dz\" fill=\"%s\"/>\n", BAR_X, y, BAR_X + bar_width(step), BAR_X + bar_width(next),
						 y + GAP_HEIGHT, BAR_X, PASSAGE);
	svg_text(svg, BAR_X + 10, y + GAP_HEIGHT / 2 + 4, &passage_style, passage_text(step, next), BAR_WIDTH + 100, 1);
}

/* What the columns of numbers are. */
static void
draw_heads(StringInfo svg, int y)
{
	svg_text(svg, REACHED_X, y, &head_style, "reached", NUMBER_WIDTH, 1);
	svg_text(svg, FROM_FIRST_X, y, &head_style, "of the first step", NUMBER_WIDTH, 1);
	svg_text(svg, FROM_PREVIOUS_X, y, &head_style, "of the step before", NUMBER_WIDTH, 1);
	svg_text(svg, IN_PROGRESS_X, y, &head_style, "in progress", NUMBER_WIDTH, 1);
}

/* One block at a height; where it ends. */
static int
draw_block(StringInfo svg, int y, const Funnel *funnel, const FunnelBlock *block)
{
	char	   *name = block_name(funnel, block);

	if (name != NULL)
	{
		svg_line(svg, MARGIN, y, WIDTH - MARGIN, y, RULE, NULL);
		y += 28;
		svg_explained_text(svg, MARGIN, y, &block_style, picture_name(name, PICTURE_TOOLTIP_NAME), REACHED_X - 80 - MARGIN);
	}
	draw_heads(svg, y);
	y += 12;
	for (int i = 0; i < funnel->step_count; i++)
	{
		draw_step(svg, y, i + 1, &block->steps[i]);
		y += BAR_HEIGHT;
		if (i == funnel->step_count - 1)
			break;
		draw_passage(svg, y, &block->steps[i], &block->steps[i + 1]);
		y += GAP_HEIGHT;
	}
	return y + 24;
}

/* All blocks; where they end. */
static int
draw_blocks(StringInfo svg, const Funnel *funnel)
{
	int			y = TITLE_HEIGHT;

	if (funnel->entered == 0 && funnel->in_progress == 0)
	{
		svg_text(svg, MARGIN, y + 8, &picture_strong_style, "Nobody entered.", WIDTH, 1);
		return y + 8 + MARGIN;
	}
	for (int i = 0; i < funnel->block_count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		y = draw_block(svg, y, funnel, &funnel->blocks[i]);
	}
	if (funnel->all_blocks > funnel->block_count)
	{
		svg_text(svg, MARGIN, y, &picture_strong_style, psprintf("and %s more", picture_count(funnel->all_blocks - funnel->block_count)), WIDTH, 1);
		y += 28;
	}
	svg_text(svg, MARGIN, y, &picture_note_style,
			 psprintf("Bars are shares of those who entered, with the 95 %% interval. In progress are those who entered less than %s before %s UTC;"
					  " they count in no other column.", funnel->window, funnel->as_of), WIDTH - 2 * MARGIN, 2);
	return y + MARGIN;
}

/* What the funnel is of. */
static char *
subtitle(const Funnel *funnel)
{
	return psprintf("%s entered, %s more in progress; steps within %s of the first one, as of %s UTC", picture_count_of(funnel->entered, "customer"),
					picture_count(funnel->in_progress), funnel->window, funnel->as_of);
}

/* What there is to see, for those who cannot see it. */
static char *
description(const Funnel *funnel)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Funnel of %s. %s.", picture_count_of(funnel->step_count, "step"), subtitle(funnel));
	for (int i = 0; i < funnel->block_count; i++)
	{
		char	   *name = block_name(funnel, &funnel->blocks[i]);

		appendStringInfo(&text, " %s", name == NULL ? "Reached" : picture_name(name, PICTURE_DESCRIPTION_NAME));
		for (int j = 0; j < funnel->step_count; j++)
		{
			const FunnelStep *step = &funnel->blocks[i].steps[j];

			appendStringInfo(&text, "%s %s %s (%s)", j == 0 ? ":" : ",", picture_name(step->name, PICTURE_DESCRIPTION_NAME), picture_count(step->reached), share_text(&step->from_first));
		}
		appendStringInfoChar(&text, '.');
	}
	return text.data;
}

/* Funnel as an SVG picture. */
PG_FUNCTION_INFO_V1(funnel_svg);
Datum
funnel_svg(PG_FUNCTION_ARGS)
{
	Funnel		funnel = {0};
	StringInfoData body;
	StringInfoData svg;
	int			end;

	SPI_connect();
	funnel_read(&funnel, fcinfo);
	funnel.title = picture_given_title(fcinfo, 4, "Funnel");
	initStringInfo(&body);
	picture_title(&body, funnel.title, subtitle(&funnel), WIDTH);
	end = draw_blocks(&body, &funnel);
	initStringInfo(&svg);
	picture_begin(&svg, WIDTH, end, funnel.title, description(&funnel));
	appendBinaryStringInfo(&svg, body.data, body.len);
	PG_RETURN_DATUM(picture_end(&svg));
}
