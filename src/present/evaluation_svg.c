/*-------------------------------------------------------------------------
 *
 * evaluation_svg.c
 *	  Draws a report of cx.evaluation as SVG pictures: the ROC curve, the lift
 *	  by decile, and the calibration.
 *
 * A report may come from anywhere, so what is read of it is checked: nothing
 * is drawn outside its frame.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/jsonb.h"

#include "present/picture.h"

/* The most rows of the tables of a report. */
#define MOST_POINTS 1000
#define MOST_TENTHS 10

/* Sizes and places, in pixels. */
#define TITLE_HEIGHT 104
#define SQUARE 400				/* edge of the frame of a curve */
#define SQUARE_X (MARGIN + 52)	/* left of it stand the numbers of the axis */
#define SQUARE_Y (TITLE_HEIGHT + 26)	/* above it stands what the axis is */
#define SIDE_X (SQUARE_X + SQUARE + 44) /* figures beside the frame */
#define SIDE_WIDTH 260
#define SIDE_LINE 80
#define SQUARE_WIDTH (SIDE_X + SIDE_WIDTH + MARGIN)
#define HEAD_WIDTH 150			/* of the names of the rows below bars */
#define COLUMN_WIDTH 74
#define BAR_WIDTH 50
#define BARS_HEIGHT 260
#define BARS_X (MARGIN + HEAD_WIDTH)
#define BARS_WIDTH (MOST_TENTHS * COLUMN_WIDTH)
#define TABLE_LINE 24
#define LIFT_WIDTH (BARS_X + BARS_WIDTH + MARGIN)
#define FIGURE_WIDTH 200		/* so that no figure is cut */

/* The light colour below a curve. */
#define BELOW "#dce8f1"

/* Argument: the report. */
static const char summary_query[] =
"SELECT r.kind, r.rows, r.events, r.base_rate, r.auc, r.auc_lower, r.auc_upper, r.gini, r.ks, r.brier, r.log_loss, r.calibration_error\n"
"FROM pg_catalog.jsonb_to_record($1) AS r (kind text, rows bigint, events double precision, base_rate double precision, auc double precision, auc_lower double precision,\n"
"	auc_upper double precision, gini double precision, ks double precision, brier double precision, log_loss double precision, calibration_error double precision)";

/* What a report says of all rows; NaN where it is undefined. */
typedef struct Summary
{
	int64		rows;
	double		events;
	double		base_rate;
	double		auc;
	double		auc_lower;
	double		auc_upper;
	double		gini;
	double		ks;
	double		brier;
	double		log_loss;
	double		calibration_error;
} Summary;

/* A scale from 0 to a round number. */
typedef struct Scale
{
	double		most;
	double		step;			/* between two lines */
} Scale;

/* Where a scale stands in the picture. */
typedef struct Frame
{
	int			x;
	int			y;
	int			width;
	int			height;
	Scale		across;
	Scale		up;
} Frame;

static const SvgStyle axis_style = {11, false, MUTED, "start"};
static const SvgStyle axis_end_style = {11, false, MUTED, "end"};
static const SvgStyle axis_middle_style = {11, false, MUTED, "middle"};
static const SvgStyle figure_style = {22, true, INK, "start"};
static const SvgStyle cell_style = {13, false, INK, "middle"};
static const SvgStyle strong_cell_style = {14, true, INK, "middle"};
static const SvgStyle row_style = {12, false, MUTED, "start"};
static const SvgStyle line_style = {12, false, BAD, "end"};
static const SvgStyle absent_style = {14, false, MUTED, "middle"};

/* Refuse a report that cannot be drawn. */
static void
check_report(bool is_sound)
{
	if (!is_sound)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("report is not one of cx.evaluation"),
				 errhint("Give what cx.evaluation(probability, outcome) gave.")));
}

/* A number in a column, which must be between 0 and a largest one, or may be undefined. */
static double
read_number(uint64 row, const char *column, double most, bool may_lack)
{
	double		number = picture_double(row, column);

	check_report((may_lack && isnan(number)) || (number >= 0 && number <= most));
	return number;
}

/* Run a query on the report. */
static void
read_report(FunctionCallInfo fcinfo, const char *query, int most)
{
	Oid			type = JSONBOID;
	Datum		report = PG_GETARG_DATUM(0);

	picture_query(query, 1, &type, &report, NULL);
	check_report(SPI_processed <= (uint64) most);
}

/* Read what the report says of all rows. */
static Summary
read_summary(FunctionCallInfo fcinfo)
{
	Summary		summary;
	char	   *kind;

	check_report(JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(0)));
	read_report(fcinfo, summary_query, 1);
	kind = picture_text(0, "kind");
	summary.rows = picture_bigint(0, "rows");
	check_report(kind != NULL && strcmp(kind, "probability") == 0 && summary.rows > 0);
	summary.events = read_number(0, "events", summary.rows, false);
	summary.base_rate = read_number(0, "base_rate", 1, false);
	summary.auc = read_number(0, "auc", 1, true);
	summary.auc_lower = read_number(0, "auc_lower", 1, true);
	summary.auc_upper = read_number(0, "auc_upper", 1, true);
	summary.gini = picture_double(0, "gini");
	summary.ks = read_number(0, "ks", 1, true);
	summary.brier = read_number(0, "brier", 1, false);
	summary.log_loss = read_number(0, "log_loss", 100, false);
	summary.calibration_error = read_number(0, "calibration_error", 1, false);
	return summary;
}

/* A share in percent, "-" if it is undefined; a small one has more decimals. */
static char *
percent(double share)
{
	return isnan(share) ? "-" : psprintf("%.*f %%", share != 0 && fabs(share) < 0.001 ? 3 : 1, 100 * share);
}

/* A figure, "-" if it is undefined; a small one has more decimals. */
static char *
figure(double value)
{
	return isnan(value) ? "-" : psprintf("%.*f", value != 0 && fabs(value) < 0.01 ? 5 : 3, value);
}

/* Number and share of the events, in words. */
static char *
summary_text(const Summary *summary)
{
	return psprintf("%s, %s of them with the event (%s)", picture_count_of(summary->rows, "row"), picture_count((int64) rint(summary->events)), percent(summary->base_rate));
}

/* A scale up to at least that number, above 0, in at most five round steps. */
static Scale
scale_to(double most)
{
	static const double steps[] = {0.2, 0.25, 0.5, 1, 2};
	double		unit = pow(10, floor(log10(most)));
	Scale		scale = {0, 0};

	for (int i = 0; i < (int) lengthof(steps) && scale.most < most * (1 - 1e-9); i++)
	{
		scale.step = steps[i] * unit;
		scale.most = Min(5, ceil(most / scale.step - 1e-9)) * scale.step;
	}
	return scale;
}

/* Where a number stands across a frame. */
static double
frame_x(const Frame *frame, double value)
{
	return frame->x + value / frame->across.most * frame->width;
}

/* Where a number stands up a frame. */
static double
frame_y(const Frame *frame, double value)
{
	return frame->y + frame->height - value / frame->up.most * frame->height;
}

/* A number of a scale in percent, with as many decimals as its step needs. */
static char *
scale_percent(const Scale *scale, int number)
{
	double		step = 100 * scale->step;
	int			decimals = 0;

	while (decimals < 8 && fabs(step - rint(step)) > 1e-6 * step)
	{
		step *= 10;
		decimals++;
	}
	return psprintf("%.*f %%", decimals, 100 * number * scale->step);
}

/* How many steps a scale has. */
static int
scale_steps(const Scale *scale)
{
	return (int) rint(scale->most / scale->step);
}

/* The lines across a frame, with their numbers, and above it what they are. */
static void
draw_up(StringInfo svg, const Frame *frame, const char *name)
{
	for (int i = 0; i <= scale_steps(&frame->up); i++)
	{
		int			y = (int) rint(frame_y(frame, i * frame->up.step));

		svg_line(svg, frame->x, y, frame->x + frame->width, y, RULE, NULL);
		svg_text(svg, frame->x - 8, y + 4, &axis_end_style, scale_percent(&frame->up, i), FIGURE_WIDTH, 1);
	}
	svg_text(svg, frame->x, frame->y - 12, &axis_style, name, frame->width, 1);
}

/* The lines up a frame, with their numbers, and below it what they are. */
static void
draw_across(StringInfo svg, const Frame *frame, const char *name)
{
	int			end = frame->y + frame->height;

	for (int i = 0; i <= scale_steps(&frame->across); i++)
	{
		int			x = (int) rint(frame_x(frame, i * frame->across.step));

		svg_line(svg, x, frame->y, x, end, RULE, NULL);
		svg_text(svg, x, end + 18, &axis_middle_style, scale_percent(&frame->across, i), FIGURE_WIDTH, 1);
	}
	svg_text(svg, frame->x + frame->width, end + 38, &axis_end_style, name, frame->width, 1);
}

/* A figure beside the frame: what it is, its value and what there is to know about it. */
static int
draw_figure(StringInfo svg, int y, const char *name, const char *value, const char *explanation)
{
	svg_text(svg, SIDE_X, y, &row_style, name, SIDE_WIDTH, 1);
	svg_text(svg, SIDE_X, y + 26, &figure_style, value, SIDE_WIDTH, 1);
	return y + SIDE_LINE + 14 * (svg_text(svg, SIDE_X, y + 44, &picture_note_style, explanation, SIDE_WIDTH, 2) - 1);
}

/* End a picture whose content stands in body. */
static Datum
finish_picture(StringInfo body, int width, int height, const char *title, const char *description)
{
	StringInfoData svg;

	initStringInfo(&svg);
	picture_begin(&svg, width, height, title, description);
	appendBinaryStringInfo(&svg, body->data, body->len);
	return picture_end(&svg);
}

/* The curve through the points that the query gave, and the ground below it. */
static void
draw_curve(StringInfo svg, const Frame *frame)
{
	StringInfoData path;

	initStringInfo(&path);
	for (uint64 i = 0; i < SPI_processed; i++)
		appendStringInfo(&path, "%c%.1f %.1f", i == 0 ? 'M' : 'L', frame_x(frame, read_number(i, "false_positive_rate", 1, false)),
						 frame_y(frame, read_number(i, "true_positive_rate", 1, false)));
	appendStringInfo(svg, "<path d=\"%sV%dH%dz\" fill=\"%s\"/>\n", path.data, frame->y + frame->height, frame->x, BELOW);
	svg_line(svg, frame->x, frame->y + frame->height, frame->x + frame->width, frame->y, MUTED, "4 4");
	appendStringInfo(svg, "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>\n", path.data, GOOD);
}

/* What the thresholds take, where the mouse rests on the curve. */
static void
draw_thresholds(StringInfo svg, const Frame *frame)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		double		threshold = read_number(i, "threshold", 1, true);
		double		alarms = picture_double(i, "false_positive_rate");
		double		hits = picture_double(i, "true_positive_rate");

		if (isnan(threshold))
			continue;
		appendStringInfo(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\" fill-opacity=\"0\">", frame_x(frame, alarms), frame_y(frame, hits), GOOD);
		svg_tooltip(svg, psprintf("probability from %s on: %s of those with the event, %s of those without it", figure(threshold), percent(hits), percent(alarms)));
		appendStringInfoString(svg, "</circle>\n");
	}
}

/* What stands beside a ROC curve. */
static void
draw_roc_figures(StringInfo svg, const Summary *summary)
{
	int			y = SQUARE_Y + 12;

	y = draw_figure(svg, y, "area under the curve (AUC)", figure(summary->auc),
					isnan(summary->auc_lower) ? "no interval can be given" : psprintf("95 %% interval %.3f to %.3f", summary->auc_lower, summary->auc_upper));
	y = draw_figure(svg, y, "Gini", figure(summary->gini), "2 AUC - 1: 0 tells nothing, 1 is perfect");
	(void) draw_figure(svg, y, "Kolmogorov-Smirnov", figure(summary->ks), "largest distance of the two shares");
	svg_text(svg, SIDE_X, SQUARE_Y + SQUARE - 40, &picture_note_style,
			 "AUC: how often, of a row with the event and one without it, the former has the higher probability. A curve along the diagonal tells nothing.", SIDE_WIDTH, 4);
}

/* ROC curve as an SVG picture. */
PG_FUNCTION_INFO_V1(roc_svg);
Datum
roc_svg(PG_FUNCTION_ARGS)
{
	Frame		frame = {SQUARE_X, SQUARE_Y, SQUARE, SQUARE, {1, 0.2}, {1, 0.2}};
	Summary		summary;
	StringInfoData svg;
	char	   *title;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	summary = read_summary(fcinfo);
	title = picture_given_title(fcinfo, 1, "ROC curve");
	initStringInfo(&svg);
	picture_title(&svg, title, summary_text(&summary), SQUARE_WIDTH);
	draw_up(&svg, &frame, "of those with the event, taken (true positive rate)");
	draw_across(&svg, &frame, "of those without the event, taken (false positive rate)");
	read_report(fcinfo, "SELECT * FROM cx.roc_table($1)", MOST_POINTS);
	if (SPI_processed > 0)
		draw_curve(&svg, &frame);
	else
		svg_text(&svg, SQUARE_X + SQUARE / 2, SQUARE_Y + SQUARE / 2, &absent_style, "No curve: all rows have the same outcome.", SQUARE - 40, 2);
	draw_thresholds(&svg, &frame);
	draw_roc_figures(&svg, &summary);
	PG_RETURN_DATUM(finish_picture(&svg, SQUARE_WIDTH, SQUARE_Y + SQUARE + 38 + MARGIN, title,
								   psprintf("ROC curve of %s. Area under the curve %s, Kolmogorov-Smirnov distance %s.", summary_text(&summary), figure(summary.auc), figure(summary.ks))));
}

/* The names of the rows below the bars. */
static void
draw_lift_heads(StringInfo svg, int y)
{
	static const char *const names[] = {"tenth of the rows", "lift", "share with the event", "captured so far", "probability from"};

	for (int i = 0; i < (int) lengthof(names); i++)
		svg_text(svg, MARGIN, y + i * TABLE_LINE, &row_style, names[i], HEAD_WIDTH - 8, 1);
}

/* One decile: its bar, and below it its numbers. */
static void
draw_decile(StringInfo svg, const Frame *frame, uint64 row, StringInfo description)
{
	int64		decile = picture_bigint(row, "decile");
	double		rate = read_number(row, "rate", 1, false);
	double		lift = read_number(row, "lift", 1e15, true);
	double		capture = read_number(row, "capture", 1 + 1e-9, true);
	int			x = frame->x + (int) (decile - 1) * COLUMN_WIDTH + COLUMN_WIDTH / 2;
	int			top = (int) rint(frame_y(frame, rate));
	int			end = frame->y + frame->height;
	char	   *lift_text = isnan(lift) ? "-" : psprintf("%.2f x", lift);
	const char *cells[4];

	check_report(decile >= 1 && decile <= MOST_TENTHS);
	cells[0] = lift_text;
	cells[1] = percent(rate);
	cells[2] = percent(capture);
	cells[3] = figure(read_number(row, "lowest_probability", 1, false));
	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, psprintf("tenth " INT64_FORMAT ": %s of %s with the event", decile, cells[1], picture_count_of(picture_bigint(row, "rows"), "row")));
	if (top < end)
		svg_rectangle(svg, x - BAR_WIDTH / 2, top, BAR_WIDTH, end - top, 2, lift >= 1 ? GOOD : BAR);
	svg_text(svg, x, end + 22, &axis_middle_style, psprintf(INT64_FORMAT, decile), COLUMN_WIDTH, 1);
	for (int i = 0; i < (int) lengthof(cells); i++)
		svg_text(svg, x, end + 22 + (i + 1) * TABLE_LINE, i == 0 ? &strong_cell_style : &cell_style, cells[i], COLUMN_WIDTH, 1);
	appendStringInfoString(svg, "</g>\n");
	appendStringInfo(description, " Tenth " INT64_FORMAT ": lift %s, captured %s.", decile, lift_text, cells[2]);
}

/* The line of the base rate across the bars. */
static void
draw_base_rate(StringInfo svg, const Frame *frame, double base_rate)
{
	int			y = (int) rint(frame_y(frame, base_rate));

	svg_line(svg, frame->x, y, frame->x + frame->width, y, BAD, "5 4");
	svg_text(svg, frame->x + frame->width, y - 6, &line_style, psprintf("all rows %s", percent(base_rate)), FIGURE_WIDTH, 1);
}

/* A scale for the shares in columns of what the query gave, and for another one. */
static Scale
scale_of(const char *const *columns, int count, double other)
{
	double		most = other;

	for (uint64 i = 0; i < SPI_processed; i++)
		for (int j = 0; j < count; j++)
			most = fmax(most, read_number(i, columns[j], 1, false));
	return scale_to(most > 0 ? most : 1);
}

/* Lift by decile as an SVG picture. */
PG_FUNCTION_INFO_V1(lift_svg);
Datum
lift_svg(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {"rate"};
	Frame		frame = {BARS_X, SQUARE_Y, BARS_WIDTH, BARS_HEIGHT, {1, 1}, {1, 1}};
	int			table = SQUARE_Y + BARS_HEIGHT + 22;
	Summary		summary;
	StringInfoData svg;
	StringInfoData description;
	char	   *title;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	summary = read_summary(fcinfo);
	title = picture_given_title(fcinfo, 1, "Lift by decile");
	initStringInfo(&svg);
	initStringInfo(&description);
	appendStringInfo(&description, "Lift by decile of %s.", summary_text(&summary));
	picture_title(&svg, title, summary_text(&summary), LIFT_WIDTH);
	read_report(fcinfo, "SELECT decile::bigint AS decile, rows, lowest_probability, rate, lift, capture FROM cx.lift_table($1)", MOST_TENTHS);
	frame.up = scale_of(columns, lengthof(columns), summary.base_rate);
	draw_up(&svg, &frame, "share of the rows with the event, those with the highest probability first");
	draw_lift_heads(&svg, table);
	for (uint64 i = 0; i < SPI_processed; i++)
		draw_decile(&svg, &frame, i, &description);
	draw_base_rate(&svg, &frame, summary.base_rate);
	svg_text(&svg, MARGIN, table + 5 * TABLE_LINE + 4, &picture_note_style,
			 "Lift: how many times as often as in all rows the event is there. Captured: the share of all events that is in this tenth and those before it.", LIFT_WIDTH - 2 * MARGIN, 2);
	PG_RETURN_DATUM(finish_picture(&svg, LIFT_WIDTH, table + 5 * TABLE_LINE + 4 + MARGIN, title, description.data));
}

/* One bin: what was predicted and what came, with its interval. */
static void
draw_bin(StringInfo svg, const Frame *frame, uint64 row)
{
	double		predicted = read_number(row, "predicted", 1, false);
	double		observed = read_number(row, "observed", 1, false);
	double		lower = read_number(row, "observed_lower", 1, false);
	double		upper = read_number(row, "observed_upper", 1, false);
	double		x = frame_x(frame, predicted);

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, psprintf("%s: predicted %s, observed %s (%.1f to %.1f)", picture_count_of(picture_bigint(row, "rows"), "row"), percent(predicted), percent(observed), 100 * lower, 100 * upper));
	appendStringInfo(svg, "<path d=\"M%.1f %.1fh8m-4 0V%.1fm-4 0h8\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>", x - 4, frame_y(frame, lower), frame_y(frame, upper), INK);
	appendStringInfo(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\"/></g>\n", x, frame_y(frame, observed), GOOD);
}

/* What stands beside a calibration. */
static void
draw_calibration_figures(StringInfo svg, const Summary *summary)
{
	int			y = SQUARE_Y + 12;

	y = draw_figure(svg, y, "calibration error", percent(summary->calibration_error), "mean distance of predicted and observed");
	y = draw_figure(svg, y, "Brier score", figure(summary->brier),
					psprintf("mean squared error; %s with the same probability for all", figure(summary->base_rate * (1 - summary->base_rate))));
	(void) draw_figure(svg, y, "logarithmic loss", figure(summary->log_loss), "per row, natural logarithm");
	svg_text(svg, SIDE_X, SQUARE_Y + SQUARE - 40, &picture_note_style,
			 "A dot for each tenth of the rows, with the 95 % interval of what was observed. On the dashed line predictions are right.", SIDE_WIDTH, 4);
}

/* Calibration as an SVG picture. */
PG_FUNCTION_INFO_V1(calibration_svg);
Datum
calibration_svg(PG_FUNCTION_ARGS)
{
	static const char *const columns[] = {"predicted", "observed", "observed_upper"};
	Frame		frame = {SQUARE_X, SQUARE_Y, SQUARE, SQUARE, {1, 1}, {1, 1}};
	Summary		summary;
	StringInfoData svg;
	char	   *title;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	SPI_connect();
	summary = read_summary(fcinfo);
	title = picture_given_title(fcinfo, 1, "Calibration");
	initStringInfo(&svg);
	picture_title(&svg, title, summary_text(&summary), SQUARE_WIDTH);
	read_report(fcinfo, "SELECT * FROM cx.calibration_table($1)", MOST_TENTHS);
	frame.up = scale_of(columns, lengthof(columns), 0);
	frame.across = frame.up;
	draw_up(&svg, &frame, "observed share with the event");
	draw_across(&svg, &frame, "mean predicted probability");
	svg_line(&svg, frame.x, frame.y + frame.height, frame.x + frame.width, frame.y, MUTED, "4 4");
	for (uint64 i = 0; i < SPI_processed; i++)
		draw_bin(&svg, &frame, i);
	draw_calibration_figures(&svg, &summary);
	PG_RETURN_DATUM(finish_picture(&svg, SQUARE_WIDTH, SQUARE_Y + SQUARE + 38 + MARGIN, title,
								   psprintf("Calibration of %s. Predicted and observed are %s apart on average; Brier score %s.", summary_text(&summary), percent(summary.calibration_error), figure(summary.brier))));
}
