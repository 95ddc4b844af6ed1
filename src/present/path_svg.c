/*-------------------------------------------------------------------------
 *
 * path_svg.c
 *	  Draws the paths of cx.path_counts as an SVG picture, a flow of customers.
 *
 * A column for each place in a path, in it a node for each step, as high as
 * many customers were there; between neighbouring columns links, as wide as
 * many customers went that way.  The query of the caller runs once: one
 * statement counts nodes and links, and joins the small ones, so that memory is
 * bounded by what is drawn.
 *
 * Every node has at least the room of its label; so columns are higher than
 * what stands in them, and links lie apart.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "present/picture.h"

/* The most that is drawn. */
#define PATH_COLUMNS 10
#define PATH_NODES 8			/* in a column, other and end among them */

/* Sizes, in pixels. */
#define TITLE_HEIGHT 104
#define HEAD_HEIGHT 22			/* names of the columns */
#define FLOW_HEIGHT 380			/* all customers */
#define NODE_WIDTH 14
#define LABEL_X (NODE_WIDTH + 8)	/* from the edge of a node */
#define MOST_LABEL_WIDTH 160
#define LEAST_NODE_HEIGHT 2
#define NODE_GAP 12				/* between the rooms of two nodes */
#define LEAST_COLUMN_WIDTH 158
#define COLUMNS_WIDTH 1000		/* columns grow until they fill this */
#define MOST_COLUMN_WIDTH 280
#define LEAST_WIDTH 620			/* of the picture */
#define NAME_LINES 2
#define NAME_LINE 17			/* height of a line of a name */
#define COUNT_LINE 15			/* height of the line with the count */

/* Colours of links. */
#define FLOW "#a9c6dc"
#define ENDING "#cfd4da"

/*
 * Arguments: query and max_length of cx.path_counts; the most nodes of a
 * column.  A row for each node, which is a step, the joined rest or (without
 * steps) the end, and one with next_place for each link.  Operators are named
 * in full, for the search_path is the caller's.
 */
static const char flow_query[] =
"WITH flow AS MATERIALIZED (\n"
"	SELECT n AS number, w.path[n] COLLATE pg_catalog.\"C\" AS step, w.path[n OPERATOR(pg_catalog.+) 1] COLLATE pg_catalog.\"C\" AS next,\n"
"		pg_catalog.sum(w.count)::bigint AS customers\n"
"	FROM cx.path_counts($1, $2, true) AS w CROSS JOIN LATERAL pg_catalog.generate_subscripts(w.path, 1) AS n\n"
"	GROUP BY 1, 2, 3\n"
"), sized AS (\n"
"	SELECT number, step, pg_catalog.sum(customers)::bigint AS customers FROM flow GROUP BY number, step\n"
"	UNION ALL\n"
"	SELECT number OPERATOR(pg_catalog.+) 1, NULL, pg_catalog.sum(customers)::bigint FROM flow\n"
"	WHERE next IS NULL AND number OPERATOR(pg_catalog.<) $2 GROUP BY number\n"
"), ranked AS (\n"
"	SELECT *, pg_catalog.row_number() OVER (PARTITION BY number ORDER BY step IS NULL, customers DESC, step) AS rank,\n"
"		pg_catalog.count(*) OVER (PARTITION BY number) AS nodes, pg_catalog.count(step) OVER (PARTITION BY number) AS steps\n"
"	FROM sized\n"
"), placed AS MATERIALIZED (\n"
"	SELECT number, step, customers,\n"
"		CASE WHEN step IS NULL THEN least(nodes, $3) ELSE least(rank, $3 OPERATOR(pg_catalog.-) nodes OPERATOR(pg_catalog.+) steps) END AS place\n"
"	FROM ranked\n"
")\n"
"SELECT number::bigint AS number, place, NULL::bigint AS next_place, pg_catalog.sum(customers)::bigint AS customers,\n"
"	pg_catalog.count(step) AS steps, pg_catalog.min(step) AS name\n"
"FROM placed GROUP BY number, place\n"
"UNION ALL\n"
"SELECT f.number, p.place, coalesce(n.place, e.place), pg_catalog.sum(f.customers)::bigint, NULL, NULL\n"
"FROM flow AS f\n"
"JOIN placed AS p ON p.number OPERATOR(pg_catalog.=) f.number AND p.step OPERATOR(pg_catalog.=) f.step\n"
"LEFT JOIN placed AS n ON n.number OPERATOR(pg_catalog.=) (f.number OPERATOR(pg_catalog.+) 1) AND n.step OPERATOR(pg_catalog.=) f.next\n"
"LEFT JOIN placed AS e ON e.number OPERATOR(pg_catalog.=) (f.number OPERATOR(pg_catalog.+) 1) AND e.step IS NULL AND f.next IS NULL\n"
"WHERE f.number OPERATOR(pg_catalog.<) $2\n"
"GROUP BY f.number, p.place, coalesce(n.place, e.place)\n"
"ORDER BY next_place NULLS FIRST, number, place";

/* A step at a place in the paths, the joined rest of them, or the end. */
typedef struct FlowNode
{
	char	   *name;			/* of the step, or of the first one of the rest */
	int64		customers;
	int64		steps;			/* how many: 0 for the end, above 1 for the rest */
	double		y;				/* upper edge */
	double		height;
	double		entered;		/* height of the links into it that are drawn */
	double		left;			/* height of the links out of it that are drawn */
} FlowNode;

/* Customers who went from one node to one of the next column. */
typedef struct FlowLink
{
	int			column;			/* of the node they come from */
	FlowNode   *from;
	FlowNode   *to;
	int64		customers;
} FlowLink;

/* What the picture shows. */
typedef struct Flow
{
	char	   *title;
	int			max_length;		/* steps of a path that count */
	int			column_count;
	int			node_counts[PATH_COLUMNS];
	FlowNode	nodes[PATH_COLUMNS][PATH_NODES];	/* in their order from above */
	int			link_count;
	FlowLink   *links;			/* in the order in which they lie at both ends */
	int64		customers;		/* in all */
	int			column_width;
	int			width;			/* of the picture */
	int			height;			/* where the lowest node ends */
} Flow;

static const SvgStyle head_style = {11, false, MUTED, "start"};
static const SvgStyle name_style = {13, true, INK, "start"};
static const SvgStyle joined_style = {13, false, MUTED, "start"};
static const SvgStyle count_style = {11, false, INK, "start"};

/* The argument max_length; error unless it makes a picture. */
static int
path_columns(FunctionCallInfo fcinfo, int position)
{
	if (PG_ARGISNULL(position))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("max_length must not be null")));
	if (PG_GETARG_INT32(position) < 2 || PG_GETARG_INT32(position) > PATH_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_length %d is outside 2..%d", PG_GETARG_INT32(position), PATH_COLUMNS),
				 errhint("Give the number of columns to draw, such as 5.")));
	return PG_GETARG_INT32(position);
}

/* Whether a node is a step by itself. */
static bool
is_step(const FlowNode *node)
{
	return node->steps == 1;
}

/* What a node is called, cut to that many characters. */
static char *
node_name(const FlowNode *node, int limit)
{
	if (is_step(node))
		return picture_name(node->name, limit);
	return node->steps == 0 ? "end" : psprintf("other (%s)", picture_count_of(node->steps, "step"));
}

/* Customers in percent of others. */
static char *
percent_text(int64 customers, int64 all)
{
	return psprintf("%.1f %%", 100.0 * customers / all);
}

/* The room for a label beside a node; links are to be seen beyond it. */
static int
label_room(const Flow *flow)
{
	return Min(flow->column_width - LABEL_X - 10, MOST_LABEL_WIDTH);
}

/* The left edge of a column. */
static int
column_x(const Flow *flow, int column)
{
	return MARGIN + column * flow->column_width;
}

/* Take a node out of a row. */
static void
flow_read_node(Flow *flow, uint64 row)
{
	int			column = picture_bigint(row, "number") - 1;
	FlowNode   *node = &flow->nodes[column][picture_bigint(row, "place") - 1];

	node->name = picture_text(row, "name");
	node->customers = picture_bigint(row, "customers");
	node->steps = picture_bigint(row, "steps");
	flow->node_counts[column]++;
	flow->column_count = Max(flow->column_count, column + 1);
	if (column == 0)
		flow->customers += node->customers;
}

/* Take a link out of a row. */
static void
flow_read_link(Flow *flow, uint64 row, int64 next_place)
{
	FlowLink   *link = &flow->links[flow->link_count++];

	link->column = picture_bigint(row, "number") - 1;
	link->from = &flow->nodes[link->column][picture_bigint(row, "place") - 1];
	link->to = &flow->nodes[link->column + 1][next_place - 1];
	link->customers = picture_bigint(row, "customers");
}

/* Read the flow; cx.path_counts checks the query. */
static void
flow_read(Flow *flow, FunctionCallInfo fcinfo)
{
	Oid			types[] = {TEXTOID, INT4OID, INT8OID};
	Datum		values[] = {PG_GETARG_DATUM(0), Int32GetDatum(flow->max_length), Int64GetDatum(PATH_NODES)};
	char		nulls[] = {PG_ARGISNULL(0) ? 'n' : ' ', ' ', ' ', '\0'};

	picture_query(flow_query, lengthof(types), types, values, nulls);
	flow->links = palloc0((SPI_processed + 1) * sizeof(FlowLink));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		int64		next_place = picture_bigint(row, "next_place");

		if (next_place == 0)
			flow_read_node(flow, row);
		else
			flow_read_link(flow, row, next_place);
	}
}

/* The height of so many customers. */
static double
flow_height(const Flow *flow, int64 customers)
{
	return (double) customers / flow->customers * FLOW_HEIGHT;
}

/* How many customers were at a node. */
static char *
node_count(const Flow *flow, const FlowNode *node)
{
	return psprintf("%s (%s)", picture_count(node->customers), percent_text(node->customers, flow->customers));
}

/* The lines of a node's name. */
static int
name_lines(const Flow *flow, const FlowNode *node)
{
	return svg_text_lines(node_name(node, PICTURE_TOOLTIP_NAME), &name_style, label_room(flow), NAME_LINES);
}

/* How wide the label of a node is. */
static int
label_width_of(const Flow *flow, const FlowNode *node)
{
	int			name = svg_text_width(node_name(node, PICTURE_TOOLTIP_NAME), &name_style);

	return Min(Max(name, svg_text_width(node_count(flow, node), &count_style)), label_room(flow));
}

/* How wide the picture is: as the labels of the last column are. */
static int
flow_width(const Flow *flow)
{
	int			last = flow->column_count - 1;
	int			width = LEAST_WIDTH;

	for (int i = 0; last >= 0 && i < flow->node_counts[last]; i++)
		width = Max(width, column_x(flow, last) + LABEL_X + label_width_of(flow, &flow->nodes[last][i]) + MARGIN);
	return width;
}

/* Find places: each node stands in the middle of a room that its label fits into. */
static void
flow_measure(Flow *flow)
{
	flow->column_width = Max(LEAST_COLUMN_WIDTH, Min(COLUMNS_WIDTH / Max(flow->column_count, 1), MOST_COLUMN_WIDTH));
	flow->width = flow_width(flow);
	flow->height = TITLE_HEIGHT + HEAD_HEIGHT;
	for (int column = 0; column < flow->column_count; column++)
	{
		double		y = TITLE_HEIGHT + HEAD_HEIGHT;

		for (int i = 0; i < flow->node_counts[column]; i++)
		{
			FlowNode   *node = &flow->nodes[column][i];
			double		room;

			node->height = Max(LEAST_NODE_HEIGHT, flow_height(flow, node->customers));
			room = Max(node->height, name_lines(flow, node) * NAME_LINE + COUNT_LINE);
			node->y = y + (room - node->height) / 2;
			y += room + NODE_GAP;
		}
		flow->height = Max(flow->height, (int) y);
	}
}

/* One link. */
static void
draw_link(StringInfo svg, const Flow *flow, const FlowLink *link)
{
	double		height = flow_height(flow, link->customers);
	int			x1 = column_x(flow, link->column) + NODE_WIDTH;
	int			x2 = column_x(flow, link->column + 1);
	int			middle = (x1 + x2) / 2;
	double		y1 = link->from->y + link->from->left;
	double		y2 = link->to->y + link->to->entered;
	double		width = Max(height, 0.6);

	link->from->left += height;
	link->to->entered += height;
	appendStringInfo(svg, "<path d=\"M%d %.1fC%d %.1f %d %.1f %d %.1fV%.1fC%d %.1f %d %.1f %d %.1fz\" fill=\"%s\" fill-opacity=\"0.6\">",
					 x1, y1, middle, y1, middle, y2, x2, y2, y2 + width, middle, y2 + width, middle, y1 + width, x1, y1 + width,
					 link->to->steps == 0 ? ENDING : FLOW);
	svg_tooltip(svg, psprintf("from %s to %s: %s, %s of all, %s of those at this step", node_name(link->from, PICTURE_TOOLTIP_NAME),
							  node_name(link->to, PICTURE_TOOLTIP_NAME), picture_count_of(link->customers, "customer"),
							  percent_text(link->customers, flow->customers), percent_text(link->customers, link->from->customers)));
	appendStringInfoString(svg, "</path>\n");
}

/* The label beside a node, on a ground that keeps it apart from links. */
static void
draw_label(StringInfo svg, const Flow *flow, const FlowNode *node, int x)
{
	int			lines = name_lines(flow, node);
	int			height = lines * NAME_LINE + COUNT_LINE;
	int			y = (int) (node->y + node->height / 2) - height / 2;

	appendStringInfo(svg, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\" fill=\"#ffffff\" fill-opacity=\"0.8\"/>\n",
					 x - 4, y - 1, label_width_of(flow, node) + 8, height + 2);
	svg_text(svg, x, y + 13, is_step(node) ? &name_style : &joined_style, node_name(node, PICTURE_TOOLTIP_NAME), label_room(flow), NAME_LINES);
	svg_text(svg, x, y + lines * NAME_LINE + 11, &count_style, node_count(flow, node), label_room(flow), 1);
}

/* One node: full if it is a step, light if it is the joined rest, hollow if it is the end. */
static void
draw_node(StringInfo svg, const Flow *flow, int column, const FlowNode *node)
{
	int			x = column_x(flow, column);

	appendStringInfoString(svg, "<g>");
	svg_tooltip(svg, psprintf("%s: %s, %s of all, %s %d", node_name(node, PICTURE_TOOLTIP_NAME), picture_count_of(node->customers, "customer"),
							  percent_text(node->customers, flow->customers), node->steps == 0 ? "whose path ended after step" : "at step",
							  node->steps == 0 ? column : column + 1));
	appendStringInfo(svg, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\" stroke=\"%s\"/>\n", x, node->y, NODE_WIDTH, node->height,
					 is_step(node) ? GOOD : node->steps == 0 ? "#ffffff" : BAR, is_step(node) ? GOOD : NEUTRAL);
	draw_label(svg, flow, node, x + LABEL_X);
	appendStringInfoString(svg, "</g>\n");
}

/* All links, and over them the nodes. */
static void
draw_flow(StringInfo svg, const Flow *flow)
{
	for (int i = 0; i < flow->link_count; i++)
		draw_link(svg, flow, &flow->links[i]);
	CHECK_FOR_INTERRUPTS();
	for (int column = 0; column < flow->column_count; column++)
	{
		svg_text(svg, column_x(flow, column), TITLE_HEIGHT + 6, &head_style, psprintf("step %d", column + 1), label_room(flow), 1);
		for (int i = 0; i < flow->node_counts[column]; i++)
			draw_node(svg, flow, column, &flow->nodes[column][i]);
	}
}

/* What the flow is of. */
static char *
subtitle(const Flow *flow)
{
	return psprintf("%s, the first %d steps of each; repeats that follow each other count once", picture_count_of(flow->customers, "customer"), flow->max_length);
}

/* What there is to see, for those who cannot see it. */
static char *
description(const Flow *flow)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Flow of customers from step to step: %s.", subtitle(flow));
	for (int column = 0; column < flow->column_count; column++)
	{
		appendStringInfo(&text, " Step %d:", column + 1);
		for (int i = 0; i < flow->node_counts[column]; i++)
		{
			const FlowNode *node = &flow->nodes[column][i];

			appendStringInfo(&text, "%s %s %s", i == 0 ? "" : ",", node_name(node, PICTURE_DESCRIPTION_NAME), percent_text(node->customers, flow->customers));
		}
		appendStringInfoChar(&text, '.');
	}
	return text.data;
}

/* The note below the flow, or in place of it; where it ends. */
static int
draw_note(StringInfo svg, const Flow *flow)
{
	int			lines;

	if (flow->customers == 0)
	{
		svg_text(svg, MARGIN, TITLE_HEIGHT + 8, &picture_strong_style, "No events.", flow->width, 1);
		return TITLE_HEIGHT + 8 + MARGIN;
	}
	lines = svg_text(svg, MARGIN, flow->height + 14, &picture_note_style,
					 "Percent are of all customers. Hollow: paths that ended. Light: the other steps of a column, joined.", flow->width - 2 * MARGIN, 3);
	return flow->height + lines * 14 + MARGIN;
}

/* Flow of customers along their paths as an SVG picture. */
PG_FUNCTION_INFO_V1(path_svg);
Datum
path_svg(PG_FUNCTION_ARGS)
{
	Flow		flow = {.max_length = path_columns(fcinfo, 1)};
	StringInfoData body;
	StringInfoData svg;
	int			end;

	SPI_connect();
	flow_read(&flow, fcinfo);
	flow_measure(&flow);
	flow.title = picture_given_title(fcinfo, 2, "Paths");
	initStringInfo(&body);
	picture_title(&body, flow.title, subtitle(&flow), flow.width);
	draw_flow(&body, &flow);
	end = draw_note(&body, &flow);
	initStringInfo(&svg);
	picture_begin(&svg, flow.width, end, flow.title, description(&flow));
	appendBinaryStringInfo(&svg, body.data, body.len);
	PG_RETURN_DATUM(picture_end(&svg));
}
