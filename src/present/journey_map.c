/*-------------------------------------------------------------------------
 *
 * journey_map.c
 *	  Reads what a journey map shows, with the rights of the caller.
 *
 * Two queries: the first one finds the published version and the days to be
 * read, which are constants to the planner of the second one.  Of a longer time
 * the whole local days come from the tallies by day, its edges from those by
 * hour, so that a year costs 365 rows a touchpoint, metric and unit, and not
 * 24 times that.
 *
 * Memory is bounded, whatever the journey: at most MAP_COLUMNS columns are
 * drawn and the picture says so, texts are cut by label.c, and notes by
 * NOTE_LIMIT; what remains is the stored definition, which is one value.
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
#include "utils/float.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "present/journey_map.h"
#include "present/picture.h"
#include "program/program.h"

/* The most columns that a picture has. */
#define MAP_COLUMNS 200

/* Characters of a note that are read. */
#define NOTE_LIMIT "1000"

/* Arguments: code of the journey; start, end of the time, NULL for the last 28 days or without end. */
static const char frame_query[] =
"WITH program AS (\n"
"	SELECT time_zone AS zone, least($3, cx.as_of()) AS ends_at, d.first_day, d.end_day\n"
"	FROM cx_data.program CROSS JOIN LATERAL cx.whole_days($2, least($3, cx.as_of()), time_zone) AS d\n"
"),\n"
"place AS (\n"
"	SELECT zone, ends_at FROM program\n"
"	UNION SELECT u.time_zone, p.ends_at FROM cx_data.org_unit AS u CROSS JOIN program AS p WHERE u.time_zone IS NOT NULL\n"
"),\n"
"bounds AS (\n"
"	SELECT min(d.first_day) AS least_day, max(d.end_day) AS greatest_day,\n"
"		max(cx.day_start(d.first_day, zone)) AS days_start_at, min(cx.day_start(d.end_day, zone)) AS days_end_at\n"
"	FROM place CROSS JOIN LATERAL cx.whole_days($2, ends_at, zone) AS d\n"
"),\n"
"spell AS (\n"
"	SELECT $2 AT TIME ZONE zone AS starts_at, $3 AT TIME ZONE zone AS ends_at FROM program\n"
")\n"
"SELECT j.journey_id, v.version::bigint AS version, coalesce(nullif(v.definition ->> 'name', ''), j.code) AS name,\n"
"	coalesce(nullif(s.name, ''), v.definition ->> 'owner_staff', nullif(u.name, ''), v.definition ->> 'owner_unit') AS owner,\n"
"	EXISTS (SELECT FROM cx_data.journey_version AS later WHERE later.journey_id = j.journey_id) AS is_published,\n"
"	ARRAY(SELECT touchpoint_id FROM cx.touchpoints_of(v.definition) WHERE touchpoint_id IS NOT NULL) AS touchpoints,\n"
"	cx.min_responses()::bigint AS min_responses, p.zone, p.ends_at, p.first_day, p.end_day, b.least_day, b.greatest_day,\n"
"	least(b.days_start_at, p.ends_at) AS head_ends_at,\n"
"	CASE WHEN $2 IS NOT NULL THEN greatest(b.days_end_at, $2) END AS tail_starts_at,\n"
"	CASE WHEN $2 IS NULL THEN to_char(p.first_day, 'YYYY-MM-DD') || ' to ' || to_char(p.end_day - 1, 'YYYY-MM-DD')\n"
"		WHEN $3 IS NULL THEN 'since ' || to_char(spell.starts_at, CASE WHEN spell.starts_at = date_trunc('day', spell.starts_at) THEN 'YYYY-MM-DD' ELSE 'YYYY-MM-DD HH24:MI' END)\n"
"		WHEN date_trunc('day', spell.starts_at) <> spell.starts_at OR date_trunc('day', spell.ends_at) <> spell.ends_at\n"
"			THEN to_char(spell.starts_at, 'YYYY-MM-DD HH24:MI') || ' to ' || to_char(spell.ends_at, 'YYYY-MM-DD HH24:MI')\n"
"		WHEN spell.ends_at = spell.starts_at + interval '1 day' THEN to_char(spell.starts_at, 'YYYY-MM-DD')\n"
"		ELSE to_char(spell.starts_at, 'YYYY-MM-DD') || ' to ' || to_char(spell.ends_at - interval '1 day', 'YYYY-MM-DD') END AS period\n"
"FROM cx_data.journey AS j\n"
"LEFT JOIN program AS p ON true\n"
"LEFT JOIN bounds AS b ON true\n"
"LEFT JOIN spell ON true\n"
"LEFT JOIN LATERAL (\n"
"	SELECT version, definition FROM cx_data.journey_version\n"
"	WHERE journey_id = j.journey_id AND published_at <= cx.as_of() AND ($3 IS NULL OR published_at < $3)\n"
"	ORDER BY version DESC LIMIT 1\n"
") AS v ON true\n"
"LEFT JOIN cx_data.staff AS s ON s.staff_id = (v.definition ->> 'owner_staff_id')::bigint\n"
"LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = (v.definition ->> 'owner_unit_id')::bigint\n"
"WHERE j.code = $1";

/*
 * Arguments: key of the journey; start and end of the time; its touchpoints;
 * zone, first day and day after the last one of the program; the same days of
 * all zones together; end of the hours before, start of those after the whole
 * days; number of the version; the most columns.  A row for each column and metric.
 */
static const char column_query[] =
"WITH\n"
"unit AS MATERIALIZED (\n"
"	SELECT u.org_unit_id, u.time_zone AS zone, d.first_day, d.end_day\n"
"	FROM cx_data.org_unit AS u CROSS JOIN LATERAL cx.whole_days($2, $3, u.time_zone) AS d\n"
"	WHERE u.time_zone IS NOT NULL\n"
"),\n"
"counted AS (\n"
"	SELECT c.touchpoint_id, c.metric, c.tally AS added, NULL::cx.tally AS removed\n"
"	FROM cx_data.tally_daily AS c LEFT JOIN unit AS u USING (org_unit_id)\n"
"	WHERE c.touchpoint_id = ANY ($4) AND c.day >= $8 AND c.day < $9\n"
"		AND c.day >= coalesce(u.first_day, $6) AND c.day < coalesce(u.end_day, $7)\n"
"	UNION ALL\n"
"	SELECT c.touchpoint_id, c.metric, c.tally, NULL\n"
"	FROM cx_data.tally_hourly AS c LEFT JOIN unit AS u USING (org_unit_id)\n"
"	WHERE c.touchpoint_id = ANY ($4) AND ((c.hour >= $2 AND c.hour < $10) OR (c.hour >= $11 AND c.hour < $3))\n"
"		AND ((c.hour AT TIME ZONE coalesce(u.zone, $5))::date < coalesce(u.first_day, $6)\n"
"			OR (c.hour AT TIME ZONE coalesce(u.zone, $5))::date >= coalesce(u.end_day, $7))\n"
"	UNION ALL\n"
"	SELECT c.touchpoint_id, c.metric, c.added, c.removed\n"
"	FROM cx_data.tally_delta AS c LEFT JOIN unit AS u USING (org_unit_id)\n"
"	WHERE c.touchpoint_id = ANY ($4) AND ((c.day >= coalesce(u.first_day, $6) AND c.day < coalesce(u.end_day, $7))\n"
"		OR (c.hour >= $2 AND c.hour < $10) OR (c.hour >= $11 AND c.hour < $3))\n"
"),\n"
"tallied AS MATERIALIZED (\n"
"	SELECT touchpoint_id, metric, tally\n"
"	FROM (\n"
"		SELECT touchpoint_id, metric, coalesce(cx.tally(added) OPERATOR(cx.-) cx.tally(removed), cx.tally(added)) AS tally\n"
"		FROM counted GROUP BY touchpoint_id, metric\n"
"	) AS summed\n"
"	WHERE cx.responses(tally) > 0\n"
"),\n"
"experienced AS (\n"
"	SELECT t.touchpoint_id, cx.experience_estimate(t.tally, m.scale_min, m.scale_max, m.lower_is_better) AS experience\n"
"	FROM tallied AS t JOIN cx_data.metric AS m ON m.code = t.metric\n"
"	GROUP BY t.touchpoint_id\n"
"),\n"
"placed AS MATERIALIZED (\n"
"	SELECT s.stage_id, coalesce(nullif(s.name, ''), s.code, '?') AS stage, s.weight AS stage_weight, s.notes AS stage_notes,\n"
"		t.touchpoint_id, CASE WHEN t.touchpoint_id IS NOT NULL THEN coalesce(nullif(t.name, ''), t.code, '?') END AS touchpoint, t.weight, nullif(t.channel, '') AS channel,\n"
"		t.moment_of_truth, t.owner_staff_id, t.owner_staff, t.owner_unit_id, t.owner_unit, t.notes, e.experience,\n"
"		t.weight > 0 AND coalesce((e.experience).responses, 0) >= cx.min_responses() AS counted,\n"
"		row_number() OVER (ORDER BY s.position, s.stage_id, t.position, t.touchpoint_id) AS number,\n"
"		count(t.touchpoint_id) OVER () AS touchpoint_count\n"
"	FROM cx_data.journey_version AS v\n"
"	CROSS JOIN LATERAL jsonb_to_recordset(v.definition -> 'stages')\n"
"		AS s (stage_id bigint, code text, name text, position integer, weight double precision, notes jsonb, touchpoints jsonb)\n"
"	LEFT JOIN LATERAL jsonb_to_recordset(s.touchpoints)\n"
"		AS t (touchpoint_id bigint, code text, name text, position integer, weight double precision, channel text, moment_of_truth boolean,\n"
"			owner_staff_id bigint, owner_staff text, owner_unit_id bigint, owner_unit text, notes jsonb) ON true\n"
"	LEFT JOIN experienced AS e USING (touchpoint_id)\n"
"	WHERE v.journey_id = $1 AND v.version = $12\n"
"),\n"
"staged AS MATERIALIZED (\n"
"	SELECT stage_id, stage_weight, cx.journey_stage_estimate(experience, weight) FILTER (WHERE counted) AS score,\n"
"		ARRAY(SELECT left(note ->> 'body', " NOTE_LIMIT ") FROM jsonb_path_query(stage_notes, '$[*] ? (@.kind == \"pain_point\")') AS note) AS pain_points,\n"
"		ARRAY(SELECT left(note ->> 'body', " NOTE_LIMIT ") FROM jsonb_path_query(stage_notes, '$[*] ? (@.kind == \"opportunity\")') AS note) AS opportunities\n"
"	FROM placed GROUP BY stage_id, stage_weight, stage_notes\n"
"),\n"
"journey AS (\n"
"	SELECT cx.journey_stage_estimate(score, stage_weight) AS score FROM staged\n"
")\n"
"SELECT p.number, p.touchpoint_count, p.stage, p.stage_id, p.touchpoint, p.channel, coalesce(p.moment_of_truth, false) AS moment_of_truth,\n"
"	coalesce(nullif(o.name, ''), p.owner_staff) AS owner_staff, coalesce(nullif(u.name, ''), p.owner_unit) AS owner_unit,\n"
"	(j.score).value AS journey_value, (j.score).lower AS journey_lower, (j.score).upper AS journey_upper, (j.score).responses AS journey_responses,\n"
"	(s.score).value AS stage_value, (s.score).lower AS stage_lower, (s.score).upper AS stage_upper, (s.score).responses AS stage_responses,\n"
"	(p.experience).value AS experience_value, (p.experience).lower AS experience_lower, (p.experience).upper AS experience_upper,\n"
"	(p.experience).responses AS experience_responses,\n"
"	d.value AS drop_off_value, d.lower AS drop_off_lower, d.upper AS drop_off_upper, b.customers AS drop_off_responses,\n"
"	t.metric, coalesce(nullif(m.name, ''), t.metric) AS metric_name, m.kind,\n"
"	e.value AS metric_value, e.lower AS metric_lower, e.upper AS metric_upper, cx.responses(t.tally) AS metric_responses,\n"
"	s.pain_points AS stage_pain_points, s.opportunities AS stage_opportunities,\n"
"	ARRAY(SELECT left(note ->> 'body', " NOTE_LIMIT ") FROM jsonb_path_query(p.notes, '$[*] ? (@.kind == \"pain_point\")') AS note) AS pain_points,\n"
"	ARRAY(SELECT left(note ->> 'body', " NOTE_LIMIT ") FROM jsonb_path_query(p.notes, '$[*] ? (@.kind == \"opportunity\")') AS note) AS opportunities\n"
"FROM placed AS p\n"
"JOIN staged AS s ON s.stage_id = p.stage_id\n"
"CROSS JOIN journey AS j\n"
"LEFT JOIN tallied AS t ON t.touchpoint_id = p.touchpoint_id\n"
"LEFT JOIN cx_data.metric AS m ON m.code = t.metric\n"
"LEFT JOIN LATERAL cx.estimate_of(m.kind, m.satisfied_from, t.tally) AS e ON true\n"
/* everybody gets 28 days to go on, so that is how much earlier they were there; who may not read events sees none of it */
"LEFT JOIN cx.drop_off_counts(CASE WHEN pg_catalog.has_any_column_privilege('cx_data.event', 'SELECT') THEN $4 END,\n"
"	CASE WHEN $2 IS NULL THEN cx.day_start($6 - 28, $5) ELSE $2 - interval '672 hours' END,\n"
"	CASE WHEN $2 IS NULL THEN cx.day_start($7 - 28, $5) ELSE $3 - interval '672 hours' END) AS b ON b.touchpoint_id = p.touchpoint_id\n"
"LEFT JOIN LATERAL cx.share_estimate(b.dropped, b.customers, 0.95) AS d ON true\n"
"LEFT JOIN cx_data.staff AS o ON o.staff_id = p.owner_staff_id\n"
"LEFT JOIN cx_data.org_unit AS u ON u.org_unit_id = p.owner_unit_id\n"
"WHERE p.number <= $13\n"
"ORDER BY p.number, cx.responses(t.tally) DESC NULLS LAST, t.metric COLLATE \"C\"";

/* How the notes of each kind are called in the query. */
static const char *const note_columns[MAP_NOTE_KINDS] = {[MAP_PAIN_POINT] = "pain_points", [MAP_OPPORTUNITY] = "opportunities"};
static const char *const stage_note_columns[MAP_NOTE_KINDS] = {
	[MAP_PAIN_POINT] = "stage_pain_points", [MAP_OPPORTUNITY] = "stage_opportunities"
};

/* The time that the map is of. */
typedef struct MapTime
{
	bool		is_given;		/* else the last 28 full days */
	bool		has_end;		/* else until cx.as_of() */
	TimestampTz starts_at;		/* first instant */
	TimestampTz ends_at;		/* first instant after it */
} MapTime;

/* Whether there are enough answers for a point to be trusted. */
bool
map_has_enough(const JourneyMap *map, const MapEstimate *estimate)
{
	return estimate->responses >= map->min_responses;
}

/* The first instant of a bound's inside, or after it. */
static TimestampTz
map_bound(const RangeBound *bound)
{
	TimestampTz at = DatumGetTimestampTz(bound->val);

	return bound->lower == bound->inclusive ? at : at + 1;
}

/* Take a range of time apart; error if it has no start or nothing lies in it. */
static MapTime
map_time(RangeType *during)
{
	TypeCacheEntry *type = lookup_type_cache(RangeTypeGetOid(during), TYPECACHE_RANGE_INFO);
	MapTime		time = {.is_given = true};
	RangeBound	lower;
	RangeBound	upper;
	bool		is_empty;

	range_deserialize(type, during, &lower, &upper, &is_empty);
	if (is_empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("during is an empty range"),
				 errhint("Give a start and a later end, such as tstzrange('2026-06-01', '2026-07-01').")));
	if (lower.infinite || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(lower.val)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("during has no start"),
				 errhint("Give one, such as tstzrange('2026-06-01', NULL); only the end may be left open.")));
	time.starts_at = map_bound(&lower);
	time.has_end = !upper.infinite && !TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(upper.val));
	if (time.has_end)
		time.ends_at = map_bound(&upper);
	return time;
}

/* An estimate in four columns, whose names begin alike. */
static MapEstimate
map_estimate(uint64 row, const char *prefix)
{
	MapEstimate estimate;

	estimate.value = picture_double(row, psprintf("%s_value", prefix));
	estimate.lower = picture_double(row, psprintf("%s_lower", prefix));
	estimate.upper = picture_double(row, psprintf("%s_upper", prefix));
	estimate.responses = picture_bigint(row, psprintf("%s_responses", prefix));
	return estimate;
}

/* Notes, an array of texts. */
static MapNotes
map_notes(uint64 row, const char *column)
{
	MapNotes	notes = {0};
	bool		is_null;
	Datum		value = picture_datum(row, column, &is_null);
	Datum	   *bodies;
	bool	   *nulls;
	int			count;

	if (is_null)
		return notes;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &bodies, &nulls, &count);
	notes.bodies = palloc((count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			notes.bodies[notes.count++] = TextDatumGetCString(bodies[i]);
	return notes;
}

/* Begin a stage with the row at hand. */
static MapStage *
map_add_stage(JourneyMap *map, uint64 row)
{
	MapStage   *stage = &map->stages[map->stage_count++];

	stage->name = picture_text(row, "stage");
	stage->score = map_estimate(row, "stage");
	for (int kind = 0; kind < MAP_NOTE_KINDS; kind++)
		stage->notes[kind] = map_notes(row, stage_note_columns[kind]);
	stage->first_column = map->column_count;
	return stage;
}

/* Begin a column with the row at hand. */
static MapColumn *
map_add_column(JourneyMap *map, uint64 row)
{
	MapColumn  *column = &map->columns[map->column_count++];

	column->stage = &map->stages[map->stage_count - 1];
	column->stage->column_count++;
	column->name = picture_text(row, "touchpoint");
	column->channel = picture_text(row, "channel");
	column->is_moment_of_truth = picture_boolean(row, "moment_of_truth");
	column->owner_staff = picture_text(row, "owner_staff");
	column->owner_unit = picture_text(row, "owner_unit");
	column->experience = map_estimate(row, "experience");
	column->drop_off = map_estimate(row, "drop_off");
	for (int kind = 0; kind < MAP_NOTE_KINDS; kind++)
		column->notes[kind] = map_notes(row, note_columns[kind]);
	return column;
}

/* Add the metric of the row at hand, if there is one. */
static void
map_add_metric(MapColumn *column, uint64 row)
{
	MapMetric  *metric = &column->metrics[column->metric_count];
	char	   *code = picture_text(row, "metric");

	if (code == NULL || column->metric_count++ >= MAP_METRICS)
		return;
	metric->code = code;
	metric->name = picture_text(row, "metric_name");
	metric->kind = picture_text(row, "kind");
	metric->score = map_estimate(row, "metric");
}

/* Read stages, touchpoints and metrics out of the rows of column_query. */
static void
map_read_columns(JourneyMap *map)
{
	int64		stage_id = 0;
	int64		number = 0;

	map->stages = palloc0((Min(SPI_processed, MAP_COLUMNS) + 1) * sizeof(MapStage));
	map->columns = palloc0((Min(SPI_processed, MAP_COLUMNS) + 1) * sizeof(MapColumn));
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		CHECK_FOR_INTERRUPTS();
		if (map->stage_count == 0 || picture_bigint(row, "stage_id") != stage_id)
			map_add_stage(map, row);
		stage_id = picture_bigint(row, "stage_id");
		if (picture_bigint(row, "number") != number)
			map_add_column(map, row);
		number = picture_bigint(row, "number");
		map_add_metric(&map->columns[map->column_count - 1], row);
	}
	if (SPI_processed == 0)
		return;
	map->score = map_estimate(0, "journey");
	map->touchpoint_count = picture_bigint(0, "touchpoint_count");
}

/* Raise an error unless the rows of frame_query hold a published journey. */
static void
map_check_published(const char *journey)
{
	bool		is_null;

	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("journey \"%s\" does not exist", journey),
				 errhint("SELECT code FROM cx_data.journey lists the journeys.")));
	(void) picture_datum(0, "version", &is_null);
	if (is_null && picture_boolean(0, "is_published"))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey \"%s\" was not published yet at that time", journey),
				 errhint("Look at a later time. A first version is published for earlier times as well with cx.publish_journey(code, published_at).")));
	if (is_null)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("journey \"%s\" has not been published", journey),
				 errhint("SELECT cx.publish_journey(%s) publishes it as it stands.", quote_literal_cstr(journey))));
}

/* Read the version in force, and what the second query needs to know of the time. */
static void
map_read_frame(JourneyMap *map, const char *journey, const MapTime *time)
{
	Oid			types[] = {TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		values[] = {CStringGetTextDatum(journey), TimestampTzGetDatum(time->starts_at), TimestampTzGetDatum(time->ends_at)};
	char		nulls[] = {' ', time->is_given ? ' ' : 'n', time->has_end ? ' ' : 'n', '\0'};

	picture_query(frame_query, lengthof(types), types, values, nulls);
	map_check_published(journey);
	map->name = picture_text(0, "name");
	map->owner = picture_text(0, "owner");
	map->period = picture_text(0, "period");
	map->zone = picture_text(0, "zone");
	if (map->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the CX program has no time zone"),
				 errhint("Table %s.program must have one row, with the name of a time zone.", PROGRAM_SCHEMA)));
	map->version = (int) picture_bigint(0, "version");
	map->min_responses = (int) picture_bigint(0, "min_responses");
}

/* Read the journey with its answers. */
static void
map_read(JourneyMap *map, const char *journey, const MapTime *time)
{
	static const char *const arguments[] = {
		"journey_id", NULL, "ends_at", "touchpoints", "zone", "first_day", "end_day",
		"least_day", "greatest_day", "head_ends_at", "tail_starts_at", "version"
	};
	Oid			types[] = {
		INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8ARRAYOID, TEXTOID, DATEOID, DATEOID,
		DATEOID, DATEOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID
	};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types) + 1];

	map_read_frame(map, journey, time);
	memset(nulls, ' ', sizeof(nulls));
	for (int i = 0; i < (int) lengthof(arguments); i++)
	{
		bool		is_null = !time->is_given;

		values[i] = arguments[i] == NULL ? TimestampTzGetDatum(time->starts_at) : picture_datum(0, arguments[i], &is_null);
		nulls[i] = is_null ? 'n' : ' ';
	}
	values[lengthof(arguments)] = Int64GetDatum(MAP_COLUMNS);
	picture_query(column_query, lengthof(types), types, values, nulls);
	map_read_columns(map);
}

/* Map of a journey as an SVG picture. */
PG_FUNCTION_INFO_V1(journey_map_svg);
Datum
journey_map_svg(PG_FUNCTION_ARGS)
{
	JourneyMap	map = {.score = {.value = get_float8_nan()}};
	MapTime		time = {0};
	StringInfoData svg;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	(void) program_table(PROGRAM_PROGRAM);	/* or an error that there is no program */
	if (!PG_ARGISNULL(1))
		time = map_time(PG_GETARG_RANGE_P(1));
	SPI_connect();
	map_read(&map, text_to_cstring(PG_GETARG_TEXT_PP(0)), &time);
	initStringInfo(&svg);
	journey_map_draw(&svg, &map);
	PG_RETURN_DATUM(picture_end(&svg));
}
