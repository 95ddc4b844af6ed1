-- Metrics: the formula that a metric's kind names

CREATE FUNCTION cx.estimate_of(kind text, satisfied_from integer, tally cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE kind
		WHEN 'nps' THEN cx.nps_estimate(tally, confidence)
		WHEN 'csat' THEN cx.csat_estimate(tally, satisfied_from, confidence)
		WHEN 'ces' THEN cx.mean_estimate(tally, confidence)
		WHEN 'rating' THEN cx.mean_estimate(tally, confidence)
	END;
COMMENT ON FUNCTION cx.estimate_of(text, integer, cx.tally, double precision) IS 'score of a tally by the formula for a kind of metric (nps, csat, ces, rating), with its interval; NULL without answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.change_of(kind text, satisfied_from integer, before cx.tally, after cx.tally, confidence double precision DEFAULT 0.95) RETURNS cx.change
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE kind
		WHEN 'nps' THEN cx.nps_change(before, after, confidence)
		WHEN 'csat' THEN cx.csat_change(before, after, satisfied_from, confidence)
		WHEN 'ces' THEN cx.mean_change(before, after, confidence)
		WHEN 'rating' THEN cx.mean_change(before, after, confidence)
	END;
COMMENT ON FUNCTION cx.change_of(text, integer, cx.tally, cx.tally, double precision) IS 'change of a score between different people by the formula for a kind of metric (nps, csat, ces, rating); NULL if a side has no answers; confidence is a share between 0 and 1';

CREATE FUNCTION cx.compare(kind text, satisfied_from integer, before cx.tally, after cx.tally)
	RETURNS TABLE (value double precision, lower double precision, upper double precision, responses bigint,
		value_before double precision, responses_before bigint,
		change double precision, change_lower double precision, change_upper double precision, p_value double precision)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT e.value, e.lower, e.upper, coalesce(cx.responses(after), 0),
		b.value, coalesce(cx.responses(before), 0),
		c.difference, c.lower, c.upper, c.p_value
	FROM cx.estimate_of(kind, satisfied_from, after) AS e,
		cx.estimate_of(kind, satisfied_from, before) AS b,
		cx.change_of(kind, satisfied_from, before, after) AS c;
END;
COMMENT ON FUNCTION cx.compare(text, integer, cx.tally, cx.tally) IS 'score of a tally by the formula for a kind of metric, with its 95 % interval, beside that of an earlier one of different people, and the change: one row';

CREATE FUNCTION cx.verdict(change double precision, q_value double precision, comparable boolean, lower_is_better boolean) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN comparable IS NOT TRUE THEN 'too few'
		WHEN q_value < 0.05 AND change <> 0 THEN CASE WHEN (change > 0) <> lower_is_better THEN 'better' ELSE 'worse' END
		ELSE 'no clear change'
	END;
COMMENT ON FUNCTION cx.verdict(double precision, double precision, boolean, boolean) IS 'a change in words: better or worse if its adjusted p-value is below 0.05, no clear change, or too few (answers to compare)';

CREATE FUNCTION cx.metric_formula(metric text, OUT kind text, OUT satisfied_from integer)
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM cx.require_program();
	SELECT m.kind, m.satisfied_from INTO kind, satisfied_from FROM cx_data.metric AS m WHERE m.code = metric_formula.metric;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'metric "%" does not exist', metric
			USING ERRCODE = 'undefined_object', HINT = 'SELECT code FROM cx_data.metric lists the metrics; a new one is a row of that table.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.metric_formula(text) IS 'kind of a metric and least answer that it counts as satisfied; error if there is no such metric';

CREATE FUNCTION cx.metric_estimate(metric text, tally cx.tally) RETURNS cx.estimate
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT cx.estimate_of(formula.kind, formula.satisfied_from, tally) FROM cx.metric_formula(metric) AS formula);
COMMENT ON FUNCTION cx.metric_estimate(text, cx.tally) IS 'score of a tally by the formula of a metric of the program, with its 95 % interval; NULL without answers';

CREATE FUNCTION cx.metric_change(metric text, before cx.tally, after cx.tally) RETURNS cx.change
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN (SELECT cx.change_of(formula.kind, formula.satisfied_from, before, after) FROM cx.metric_formula(metric) AS formula);
COMMENT ON FUNCTION cx.metric_change(text, cx.tally, cx.tally) IS 'change of a score by the formula of a metric of the program, between different people, with its 95 % interval and significance; NULL if a side has no answers';
