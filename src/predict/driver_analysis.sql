-- Drivers of an outcome that a query gives
--
-- The query is the caller's: it runs with the caller's rights and search_path, as query.sql says.
-- It is read for the levels of its categories, for its moments, and for logistic regression.

CREATE FUNCTION cx.finite_number(value double precision, "column" text) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.finite_number(double precision, text) IS 'the value itself; error that names the column if it is NaN or infinite; support function of driver_analysis';

CREATE FUNCTION cx.driver_kind(name text, type regtype) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	base oid := type;
	kind "char" := 'd';
	category "char";
BEGIN
	WHILE kind = 'd' LOOP
		SELECT t.typtype, t.typcategory, CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END INTO kind, category, base FROM pg_type AS t WHERE t.oid = base;
	END LOOP;
	CASE
		WHEN base IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'real'::regtype, 'double precision'::regtype, 'numeric'::regtype) THEN
			RETURN 'number';
		WHEN base = 'boolean'::regtype THEN
			RETURN 'boolean';
		WHEN category IN ('S', 'E') THEN
			RETURN 'category';
		ELSE
			RAISE EXCEPTION 'column "%" is of type %, which is no number, Boolean or category', name, type
				USING ERRCODE = 'datatype_mismatch', HINT = 'Leave it out, or make a number of it, such as the days since a date, or a text.';
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.driver_kind(text, regtype) IS 'how a column of this type enters: as number, boolean or category; error that names the column if it cannot; support function of driver_analysis';

CREATE FUNCTION cx.query_kinds(query text, columns text[]) RETURNS text[]
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	types pg_catalog.regtype[];
BEGIN
	EXECUTE pg_catalog.format('SELECT ARRAY[%s]::pg_catalog.regtype[] FROM (SELECT) AS one LEFT JOIN %s AS q ON false',
		(SELECT pg_catalog.string_agg(pg_catalog.format('pg_catalog.pg_typeof(q.%I)', name), ', ' ORDER BY place) FROM pg_catalog.unnest(columns) WITH ORDINALITY AS c (name, place)),
		cx.query_subselect(query)) INTO types;
	RETURN ARRAY(SELECT cx.driver_kind(c.name, c.type) FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(types)) WITH ORDINALITY AS c (name, type, place) ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION cx.query_kinds(text, text[]) IS 'how each of these columns of a query enters: as number, boolean or category, without running the query; error that names a column that cannot; support function of driver_analysis';

CREATE FUNCTION cx.query_levels(query text, columns text[], kinds text[], most integer) RETURNS TABLE (name text, level text, place bigint, levels bigint, responses numeric)
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
BEGIN
	IF 'category' = ANY (kinds) THEN
		RETURN QUERY EXECUTE pg_catalog.format($levels$
			SELECT r.name, r.level, r.place, r.levels, r.responses
			FROM (
				SELECT v.name, v.level, pg_catalog.row_number() OVER (PARTITION BY v.name ORDER BY pg_catalog.count(*) DESC, v.level) AS place,
					pg_catalog.count(*) OVER (PARTITION BY v.name) AS levels, pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY v.name) AS responses
				FROM %s AS q CROSS JOIN LATERAL (VALUES %s) AS v (name, level)
				WHERE %s
				GROUP BY v.name, v.level
			) AS r
			WHERE r.place OPERATOR(pg_catalog.<=) %L::bigint$levels$,
			cx.query_subselect(query),
			(SELECT pg_catalog.string_agg(pg_catalog.format('(%1$L::text COLLATE pg_catalog."C", q.%1$I::text COLLATE pg_catalog."C")', c.name), ', ')
				FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(kinds)) AS c (name, kind) WHERE c.kind = 'category'),
			(SELECT pg_catalog.string_agg(pg_catalog.format('q.%I IS NOT NULL', c.name), ' AND ') FROM pg_catalog.unnest(columns) AS c (name)),
			most);
	END IF;
END
$$;
COMMENT ON FUNCTION cx.query_levels(text, text[], text[], integer) IS 'the most frequent levels of each category among the complete rows of a query, how many levels it has, and how many complete rows there are; support function of driver_analysis';

CREATE FUNCTION cx.driver_elements(name text, kind text, levels text[], has_other boolean) RETURNS TABLE (element text, expression text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- with two levels, the one that is not the most frequent
	label CONSTANT text := name || CASE WHEN cardinality(levels) = 2 AND NOT has_other THEN ' = ' || levels[2] ELSE '' END;
BEGIN
	CASE kind
		WHEN 'number' THEN
			RETURN QUERY SELECT name, format('cx.finite_number(q.%1$I::pg_catalog.float8, %1$L)', name);
		WHEN 'boolean' THEN
			RETURN QUERY SELECT name, format('q.%I::pg_catalog.int4::pg_catalog.float8', name);
		ELSE
			RETURN QUERY SELECT label, format('((q.%I::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.=) %L)::pg_catalog.int4::pg_catalog.float8', name, level)
				FROM unnest(levels[2:]) AS level;
			IF has_other THEN
				RETURN QUERY SELECT label, format('((q.%I::pg_catalog.text COLLATE pg_catalog."C") OPERATOR(pg_catalog.<>) ALL (%L::pg_catalog.text[]))::pg_catalog.int4::pg_catalog.float8', name, levels);
			END IF;
			IF cardinality(levels) = 1 THEN
				RETURN QUERY SELECT label, '0::pg_catalog.float8'::text;
			END IF;
	END CASE;
END
$$;
COMMENT ON FUNCTION cx.driver_elements(text, text, text[], boolean) IS 'the numbers that a column enters as, which share a name: itself, or 1 for each level but the most frequent one and for all other levels together; support function of driver_analysis';

CREATE FUNCTION cx.driver_rows(query text, outcome text, OUT rows_query text, OUT names text[], OUT kinds text[])
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
#variable_conflict use_column
DECLARE
	most_levels CONSTANT integer := 20;
	columns text[];
	column_kinds text[];
	identifiers text[];
	elements text[];
BEGIN
	PERFORM cx.require_argument('outcome'::text, outcome IS NOT NULL);
	columns := cx.query_columns(query, outcome);
	PERFORM cx.query_columns(query, VARIADIC columns);
	column_kinds := cx.query_kinds(query, columns);
	IF column_kinds[pg_catalog.array_position(columns, outcome)] = 'category' THEN
		RAISE EXCEPTION 'outcome "%" is a category', outcome
			USING ERRCODE = 'datatype_mismatch', HINT = 'Give a number or a Boolean, such as answer = ''yes'' AS answer.';
	END IF;
	WITH levels AS MATERIALIZED (
		SELECT l.name, pg_catalog.array_agg(l.level ORDER BY l.place) AS levels, l.levels > most_levels AS has_other, l.levels > most_levels AND l.levels > 0.9 * l.responses AS is_identifier
		FROM cx.query_levels(query, columns, column_kinds, most_levels) AS l GROUP BY l.name, l.levels, l.responses
	), source AS (
		SELECT c.name, c.kind, c.place, l.levels, l.has_other, COALESCE(l.is_identifier, false) AS is_identifier
		FROM ROWS FROM (pg_catalog.unnest(columns), pg_catalog.unnest(column_kinds)) WITH ORDINALITY AS c (name, kind, place) LEFT JOIN levels AS l ON l.name = c.name
	)
	SELECT pg_catalog.array_agg(e.element ORDER BY s.name = outcome DESC, s.place), pg_catalog.array_agg(s.kind ORDER BY s.name = outcome DESC, s.place), pg_catalog.array_agg(e.expression ORDER BY s.name = outcome DESC, s.place),
		(SELECT pg_catalog.array_agg(i.name ORDER BY i.place) FROM source AS i WHERE i.is_identifier)
	INTO names, kinds, elements, identifiers
	FROM source AS s CROSS JOIN LATERAL cx.driver_elements(s.name, s.kind, s.levels, s.has_other) AS e
	WHERE NOT s.is_identifier;
	IF identifiers IS NOT NULL THEN
		RAISE NOTICE 'left out columns that have another value in almost every row: %', pg_catalog.array_to_string(identifiers, ', ');
		columns := ARRAY(SELECT c.name FROM pg_catalog.unnest(columns) AS c (name) WHERE c.name <> ALL (identifiers));
	END IF;
	IF pg_catalog.cardinality(columns) < 2 THEN
		RAISE EXCEPTION 'query gives no column besides the outcome that may drive it' USING ERRCODE = 'invalid_parameter_value', HINT = 'Select the columns that may drive the outcome, too.';
	END IF;
	rows_query := pg_catalog.format('SELECT CASE WHEN %s THEN ARRAY[%s]::pg_catalog.float8[] END AS x FROM %s AS q OFFSET 0',
		(SELECT pg_catalog.string_agg(pg_catalog.format('q.%I IS NOT NULL', c.name), ' AND ') FROM pg_catalog.unnest(columns) AS c (name)),
		pg_catalog.array_to_string(elements, ', '), cx.query_subselect(query));
END
$$;
COMMENT ON FUNCTION cx.driver_rows(text, text) IS 'a query for the rows of a query as arrays of numbers named x, the outcome first, NULL if a column is NULL; the columns that the numbers come from, and how these enter; support function of driver_analysis';

CREATE FUNCTION cx.driver_analysis(query text, outcome text, method text DEFAULT 'relative_weights', collinear text DEFAULT 'drop')
	RETURNS TABLE (driver text, importance double precision, share double precision, coefficient double precision, std_error double precision, p_value double precision, performance double precision, performance_index double precision, quadrant text)
	LANGUAGE plpgsql STABLE ROWS 20 AS $$
#variable_conflict use_column
DECLARE
	source record;
	summary cx.moments;
	rows_read bigint;
	lows double precision[];
	highs double precision[];
BEGIN
	source := cx.driver_rows(query, outcome);
	EXECUTE pg_catalog.format('SELECT cx.moments(r.x), pg_catalog.count(*), ARRAY[%s]::pg_catalog.float8[], ARRAY[%s]::pg_catalog.float8[] FROM (%s) AS r',
		(SELECT pg_catalog.string_agg(CASE WHEN k.kind = 'category' THEN 'NULL' ELSE pg_catalog.format('pg_catalog.min(r.x[%s])', k.place) END, ', ' ORDER BY k.place) FROM pg_catalog.unnest(source.kinds) WITH ORDINALITY AS k (kind, place)),
		(SELECT pg_catalog.string_agg(CASE WHEN k.kind = 'category' THEN 'NULL' ELSE pg_catalog.format('pg_catalog.max(r.x[%s])', k.place) END, ', ' ORDER BY k.place) FROM pg_catalog.unnest(source.kinds) WITH ORDINALITY AS k (kind, place)),
		source.rows_query) INTO summary, rows_read, lows, highs;
	IF summary IS NULL THEN
		RAISE EXCEPTION 'query gives no row without a NULL' USING ERRCODE = 'data_exception', HINT = 'Leave out columns that are mostly NULL, or fill them with coalesce().';
	END IF;
	IF rows_read > cx.row_count(summary) THEN
		RAISE NOTICE 'left out % of % rows, which have a NULL', rows_read - cx.row_count(summary), rows_read;
	END IF;
	RETURN QUERY
	WITH odds AS MATERIALIZED (
		SELECT * FROM cx.driver_odds(CASE WHEN source.kinds[1] = 'boolean' THEN source.rows_query END, source.names)
	)
	SELECT d.driver, d.importance, d.share, d.coefficient, d.std_error, d.p_value, CASE WHEN d.kind <> 'category' THEN d.performance END, d.position,
		cx.importance_quadrant(d.importance, pg_catalog.avg(d.importance) OVER (), d.position, pg_catalog.avg(d.position) OVER ())
	FROM (
		SELECT w.driver, w.importance, w.share, w.performance, source.kinds[e.element] AS kind,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.coefficient ELSE w.coefficient END AS coefficient,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.std_error ELSE w.std_error END AS std_error,
			CASE WHEN source.kinds[1] = 'boolean' AND w.coefficient IS NOT NULL THEN o.p_value ELSE w.p_value END AS p_value,
			100 * CASE WHEN cx.correlation(summary, e.element, 1) < 0 THEN highs[e.element] - w.performance ELSE w.performance - lows[e.element] END / (highs[e.element] - lows[e.element]) AS position
		FROM cx.drivers(summary, source.names, outcome, method, collinear) AS w CROSS JOIN LATERAL (SELECT pg_catalog.array_position(source.names, w.driver) AS element) AS e
			LEFT JOIN odds AS o ON o.place = e.element
	) AS d
	ORDER BY d.importance DESC, d.driver COLLATE pg_catalog."C";
END
$$;
COMMENT ON FUNCTION cx.driver_analysis(text, text, text, text) IS 'what drives one column of a query, the outcome, which is a number or a Boolean: cx.drivers of all its other columns, which are numbers, Booleans or categories (texts and enums), in one call. If the outcome is a Boolean, coefficient, std_error and p_value are those of logistic regression, in log-odds per unit of the driver, while importance is the part of R-squared of the linear model of its probability. Rows with a NULL are left out with a notice. A category enters as one driver, compared with its most frequent level (one of two levels as name = level, with a coefficient; others have none, and p_value is that of the F test of the linear model); its 20 most frequent levels are told apart; one with another value in almost every row is left out with a notice. performance_index: where the mean of a driver lies between its lowest (0) and its highest (100) value, turned round if more of it goes with less of the outcome, so that drivers of unlike scales compare, and by which the quadrant is found; a category has none';
