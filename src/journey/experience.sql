-- Experiences of touchpoints and stages, 0..100, with their intervals

CREATE FUNCTION cx.experience(value double precision, std_error double precision, responses double precision) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	-- CASE, for greatest and least would overlook a NULL
	RETURN ROW(value, std_error,
		CASE WHEN std_error IS NOT NULL THEN greatest(0, value - 1.959963984540054 * std_error) END,
		CASE WHEN std_error IS NOT NULL THEN least(100, value + 1.959963984540054 * std_error) END,
		responses::bigint, responses)::cx.estimate;
COMMENT ON FUNCTION cx.experience(double precision, double precision, double precision) IS 'an experience, 0..100, with its normal 95 % interval; support function of experience_estimate and journey_stage_estimate';

CREATE FUNCTION cx.experience_of(score double precision, scale_min integer, scale_max integer, lower_is_better boolean) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN lower_is_better THEN cx.to_100(score, scale_max, scale_min) ELSE cx.to_100(score, scale_min, scale_max) END;
COMMENT ON FUNCTION cx.experience_of(double precision, integer, integer, boolean) IS 'a score or a mean of scores on the scale of a metric as an experience, 0..100; error outside the scale';

-- All answers to a touchpoint, whatever their scales; the state is their number, their sum and their sum of squares

CREATE FUNCTION cx.experience_add(state double precision[], tally cx.tally, scale_min integer, scale_max integer, lower_is_better boolean) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN cx.responses(tally) = 0 THEN state ELSE ARRAY[
		state[1] + cx.responses(tally),
		state[2] + cx.responses(tally) * cx.experience_of(cx.mean_of(tally), scale_min, scale_max, lower_is_better),
		state[3] + cx.responses(tally) * power(cx.experience_of(cx.mean_of(tally), scale_min, scale_max, lower_is_better), 2)
			+ (cx.responses(tally) - 1) * power(coalesce(cx.stddev_of(tally), 0) * 100 / (scale_max - scale_min), 2)] END;
COMMENT ON FUNCTION cx.experience_add(double precision[], cx.tally, integer, integer, boolean) IS 'adds the answers of a tally; support function of experience_estimate';

CREATE FUNCTION cx.experience_combine(a double precision[], b double precision[]) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3]];
COMMENT ON FUNCTION cx.experience_combine(double precision[], double precision[]) IS 'both states together; support function of experience_estimate';

CREATE FUNCTION cx.experience_final(state double precision[]) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN state[1] > 0 THEN cx.experience(state[2] / state[1],
		CASE WHEN state[1] > 1 THEN sqrt(greatest(0, state[3] - state[2] * state[2] / state[1]) / (state[1] - 1) / state[1]) END, state[1]) END;
COMMENT ON FUNCTION cx.experience_final(double precision[]) IS 'final function of experience_estimate';

CREATE AGGREGATE cx.experience_estimate(tally cx.tally, scale_min integer, scale_max integer, lower_is_better boolean) (
	SFUNC = cx.experience_add, STYPE = double precision[], INITCOND = '{0,0,0}',
	FINALFUNC = cx.experience_final, COMBINEFUNC = cx.experience_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.experience_estimate(cx.tally, integer, integer, boolean) IS 'experience, 0..100, of all answers together, each brought from its scale to 0 (worst) to 100 (best), with its normal 95 % interval; NULL without answers; rows with a NULL are ignored; error outside the scale';

-- A stage of its touchpoints, a journey of its stages; the state is the sum of weights, of weight x value, of (weight x standard error) squared, of answers

CREATE FUNCTION cx.stage_estimate_add(state double precision[], experience cx.estimate, weight double precision) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN weight > 0 AND (experience).value IS NOT NULL THEN ARRAY[
		state[1] + weight,
		state[2] + weight * (experience).value,
		state[3] + power(weight * (experience).std_error, 2),
		state[4] + (experience).responses] ELSE state END;
COMMENT ON FUNCTION cx.stage_estimate_add(double precision[], cx.estimate, double precision) IS 'adds one experience; support function of journey_stage_estimate';

CREATE FUNCTION cx.stage_estimate_combine(a double precision[], b double precision[]) RETURNS double precision[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]];
COMMENT ON FUNCTION cx.stage_estimate_combine(double precision[], double precision[]) IS 'both states together; support function of journey_stage_estimate';

CREATE FUNCTION cx.stage_estimate_final(state double precision[]) RETURNS cx.estimate
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN state[1] > 0 THEN cx.experience(state[2] / state[1], sqrt(state[3]) / state[1], state[4]) END;
COMMENT ON FUNCTION cx.stage_estimate_final(double precision[]) IS 'final function of journey_stage_estimate';

CREATE AGGREGATE cx.journey_stage_estimate(experience cx.estimate, weight double precision) (
	SFUNC = cx.stage_estimate_add, STYPE = double precision[], INITCOND = '{0,0,0,0}',
	FINALFUNC = cx.stage_estimate_final, COMBINEFUNC = cx.stage_estimate_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.journey_stage_estimate(cx.estimate, double precision) IS 'journey_stage_score with its interval: weighted mean of independent experiences, 0..100, normal 95 % interval from their standard errors; NULL without any; rows with a NULL or weight 0 are left out';
