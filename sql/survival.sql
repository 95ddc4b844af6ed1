-- survival curves, what they say, the log-rank test, and what a customer is worth
SET extra_float_digits = 0;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\set VERBOSITY default

-- worked by hand: the leukaemia remissions of Freireich et al. (1963), 6-MP against placebo, as in every textbook
CREATE TABLE remission (treatment text, weeks integer, relapsed boolean);
INSERT INTO remission
SELECT '6-MP', w, r FROM unnest('{6,6,6,7,10,13,16,22,23,6,9,10,11,17,19,20,25,32,32,34,35}'::integer[],
	'{t,t,t,t,t,t,t,t,t,f,f,f,f,f,f,f,f,f,f,f,f}'::boolean[]) AS v (w, r)
UNION ALL
SELECT 'placebo', w, true FROM unnest('{1,1,2,2,3,4,4,5,5,8,8,8,8,11,11,12,12,15,17,22,23}'::integer[]) AS w;
SELECT treatment, cx.kaplan_meier(weeks, relapsed) FROM remission GROUP BY treatment ORDER BY treatment;
-- 18/21 = .857; * 16/17 = .807; * 14/15 = .753; * 11/12 = .690; * 10/11 = .627; * 6/7 = .538; * 5/6 = .448; one who is seen for 6 weeks is at risk in the sixth
SELECT p.time, at_risk, events, censored, round(survival::numeric, 6) AS survival, round(std_error::numeric, 6) AS std_error, round(lower::numeric, 6) AS lower, round(upper::numeric, 6) AS upper
FROM (SELECT cx.kaplan_meier(weeks, relapsed) AS curve FROM remission WHERE treatment = '6-MP') AS c, cx.points(curve) AS p;
-- medians 23 and 8 weeks; chi-square 16.79
SELECT treatment, m.value AS median, m.std_error, m.lower, m.upper, m.responses, round(e.value::numeric, 6) AS lifetime, round(e.std_error::numeric, 6) AS std_error, round(e.lower::numeric, 6) AS lower, round(e.upper::numeric, 6) AS upper
FROM (SELECT treatment, cx.kaplan_meier(weeks, relapsed) AS curve FROM remission GROUP BY treatment) AS c, cx.median_survival(curve) AS m, cx.expected_lifetime(curve, 20) AS e ORDER BY treatment;
SELECT round(chi_square::numeric, 6) AS chi_square, degrees_of_freedom, p_value::numeric(10, 8), g.name, g.customers, g.observed, round(g.expected::numeric, 6) AS expected
FROM (SELECT (cx.log_rank(weeks, relapsed, treatment)).* FROM remission) AS t, unnest(groups) AS g;

-- at one time, first those who ended, then those seen no longer
SELECT p.time, at_risk, events, censored, survival FROM cx.points('{0:1+1,2:1+1,3:0+1}') AS p;
-- S = 3/4, 3/8; lifetime 1 + 3/4 + 2 * 3/8
SELECT p.time, at_risk, survival, round(std_error::numeric, 6) AS std_error, round(lower::numeric, 6) AS lower, round(upper::numeric, 6) AS upper FROM cx.points('{1:1+1,2:1+0,4:0+1}') AS p;
SELECT (cx.expected_lifetime('{1:1+1,2:1+0,4:0+1}')).value, (cx.expected_lifetime('{1:1+1,2:1+0,4:0+1}', 1.5)).value AS until_one_and_a_half, (cx.expected_lifetime('{1:1+1,2:1+0,4:0+1}', 0.5)).* ;
-- areas behind the events are 1.5 and 0.75, Greenwood's parts 1/12 and 1/2
SELECT abs((cx.expected_lifetime('{1:1+1,2:1+0,4:0+1}')).std_error - sqrt(1.5 ^ 2 / 12 + 0.75 ^ 2 / 2)) < 1e-12 AS lifetime_error;
-- durations of 0: one who leaves at once is at risk then
SELECT p.time, at_risk, events, censored, survival, std_error FROM cx.points((SELECT cx.kaplan_meier(d, e) FROM (VALUES (0, true), (-0.0::float8, false), (0, true), (2, false)) AS v (d, e))) AS p;
SELECT (cx.median_survival('{0:2+2}')).value AS median, (cx.expected_lifetime('{0:2+2}')).*;

-- survival at a time: before the first, between, at the last, after it with somebody left, and with nobody left
SELECT at, s.value, round(s.std_error::numeric, 6) AS std_error, round(s.lower::numeric, 6) AS lower, round(s.upper::numeric, 6) AS upper, s.responses, s.effective_responses
FROM unnest('{0,0.5,1,3,4,4.1}'::float8[]) AS at, cx.survival_at('{1:1+1,2:1+0,4:0+1}', at) AS s;
SELECT (cx.survival_at('{1:1+0,2:1+0}', 100)).value AS nobody, (cx.expected_lifetime('{1:1+0,2:1+0}', 100)).value AS lifetime, (cx.expected_lifetime('{1:1+0,2:0+1}', 100)).value AS unknown;
SELECT round((cx.survival_at('{1:1+1,2:1+0,4:0+1}', 1, 0.5)).lower::numeric, 6) AS at_50_percent, (cx.expected_lifetime('{1:1+1}', NULL, 0.5)).std_error;

-- quantiles: on a step its middle, at the end the middle to the last duration; not reached
SELECT share, q.value, q.lower, q.upper FROM unnest('{0.1,0.25,0.5,0.75,0.9}'::float8[]) AS share, cx.survival_quantile('{1:1+0,2:1+0,5:1+0,8:1+0}', share) AS q;
SELECT (cx.median_survival('{1:1+0,2:1+0,6:0+2}')).value AS to_the_end, (cx.median_survival('{1:1+0,2:1+1,4:0+1,7:1+0}')).value AS step, (cx.median_survival('{1:1+0,2:0+9}')).value AS not_reached,
	(cx.median_survival('{3:1+0}')).value AS one;
-- a half but for rounding: 3/4 * 2/3, 7/10 * 5/7
SELECT (cx.median_survival('{1:1+0,2:1+0,3:2+0}')).value AS a, (cx.median_survival('{1:3+0,2:2+0,3:5+0}')).value AS b, (cx.survival_quantile('{1:1+0,2:1+0,3:1+0}', 1 / 3.0)).value AS c;

-- nothing to go by: no rows, all NULL, mixed NULL, one row, all censored, a filter, an empty group
SELECT cx.kaplan_meier(weeks, relapsed), cx.log_rank(weeks, relapsed, treatment) FROM remission WHERE false;
SELECT cx.kaplan_meier(NULL::float8, true) AS curve, cx.kaplan_meier(1, NULL) AS unknown, cx.kaplan_meier(NULL::interval, NULL) AS length, cx.kaplan_meier(NULL::cx.survival_curve) AS rollup,
	cx.log_rank(NULL::float8, true, 'a') AS test, cx.log_rank(1, true, NULL) AS groups, cx.log_rank(1, true, 'a', NULL) AS strata, cx.log_rank(NULL::cx.survival_curve, 'a') AS curves FROM remission;
SELECT cx.kaplan_meier(d, e), cx.log_rank(d, e, g) FROM (VALUES (1, true, 'a'), (NULL, true, 'a'), (1, NULL, 'a'), (2, false, NULL)) AS v (d, e, g);
SELECT cx.kaplan_meier(5, true) AS ended, cx.kaplan_meier(5, false) AS stays;
SELECT p.*, (cx.median_survival(c)).value AS median, (cx.expected_lifetime(c)).* FROM (SELECT cx.kaplan_meier(5, true) AS c) AS s, cx.points(c) AS p;
SELECT p.*, (cx.median_survival(c)).value AS median, (cx.expected_lifetime(c)).* FROM (SELECT cx.kaplan_meier(n, false) AS c FROM generate_series(1, 3) AS n) AS s, cx.points(c) AS p;
SELECT n % 3 AS part, cx.kaplan_meier(n, n % 2 = 0) FILTER (WHERE n % 3 > 0) FROM generate_series(1, 9) AS n GROUP BY 1 ORDER BY 1;
SELECT n, cx.kaplan_meier(n % 2, n > 2) OVER (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS last_two, cx.kaplan_meier(n % 2, n > 2) OVER (ORDER BY n ROWS BETWEEN 2 PRECEDING AND 2 PRECEDING) AS before,
	(cx.log_rank(n, true, (n % 2)::text) OVER (ORDER BY n)).degrees_of_freedom FROM generate_series(1, 4) AS n;
SELECT (SELECT count(*) FROM cx.points(NULL)) AS points, cx.survival_at(NULL, 1), cx.survival_at('{1:1+0}', NULL), cx.median_survival(NULL), cx.expected_lifetime(NULL), cx.expected_lifetime('{1:1+0}', 1, NULL), cx.customer_lifetime_value(NULL, 0.5, 0);

-- types of durations: whole numbers, numeric, differences of dates and of times, in days
SELECT cx.kaplan_meier(d, true) AS whole, cx.kaplan_meier(d::smallint, true) AS small, cx.kaplan_meier(d::bigint, true) AS big, cx.kaplan_meier(d / 10.0, true) AS digits, cx.kaplan_meier(d::real / 10, true) AS real,
	cx.kaplan_meier(date '2026-01-01' + d - date '2026-01-01', true) AS dates, cx.kaplan_meier(timestamp '2026-01-01 12:00' + d * interval '6 hours' - '2026-01-01', true) AS times
FROM generate_series(1, 2) AS d;
SELECT cx.kaplan_meier(d, true) AS curve, (cx.log_rank(d, true, g)).degrees_of_freedom AS test, (cx.log_rank(d, true, g, 'x')).degrees_of_freedom AS stratified
FROM (VALUES (interval '1 day', 'a'), ('24 hours', 'b'), ('1 day 1 microsecond', 'a'), ('0', 'c')) AS v (d, g);

-- text and binary form keep everything
SELECT c::cx.survival_curve FROM unnest(ARRAY['{1:380+233,2:123+115}', ' { 0 : 0 + 1 , 1.5e0 : 2+3 } ', '{0.1:1+0,0.30000000000000004:1+0,1e+300:0+1,1.7976931348623157e+308:1+0}', '{5e-324:9223372036854775806+1}', '{.5:01+0}', '{+1:1+0}']) AS c;
SET extra_float_digits = -5;
SELECT cx.kaplan_meier(1 / 3.0::float8, true) OPERATOR(cx.=) '{0.3333333333333333:1+0}' AS exact, cx.kaplan_meier(1 / 3.0::float8, true);
SET extra_float_digits = 0;
CREATE TABLE curve AS SELECT n % 5 AS part, cx.kaplan_meier(n / 7.0, n % 3 > 0) AS curve FROM generate_series(1, 2000) AS n GROUP BY 1;
CREATE TABLE wire (curve cx.survival_curve);
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS cx.survival_curve LANGUAGE plpgsql AS $$
DECLARE
	file bytea := '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(message)) || message || '\xffff'::bytea;
	octal text := (SELECT string_agg(format('\%s%s%s', get_byte(file, i) / 64, get_byte(file, i) / 8 % 8, get_byte(file, i) % 8), '' ORDER BY i)
		FROM generate_series(0, length(file) - 1) AS i);
BEGIN
	TRUNCATE wire;
	EXECUTE format('COPY wire FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
	RETURN (SELECT curve FROM wire);
END $$;
SELECT bool_and(curve::text::cx.survival_curve OPERATOR(cx.=) curve) AS text_keeps, bool_and(pg_temp.receive(cx.survival_curve_send(curve)) OPERATOR(cx.=) curve) AS binary_keeps, bool_and(curve OPERATOR(cx.<>) '{1:1+0}') AS not_equal, max(pg_column_size(curve)) < 20000 AS compact FROM curve;
-- = and <>, merge, + and the roll-up
SELECT a OPERATOR(cx.=) b AS equal, a OPERATOR(cx.<>) b AS different, a OPERATOR(cx.=) a AS itself, cx.merge(a, b) AS merged, b OPERATOR(cx.+) a AS added FROM (VALUES ('{1:1+0}'::cx.survival_curve, '{0:0+1,1:1+2,3:1+0}'::cx.survival_curve)) AS v (a, b);
SELECT cx.kaplan_meier(curve) OPERATOR(cx.=) (SELECT cx.kaplan_meier(n / 7.0, n % 3 > 0) FROM generate_series(1, 2000) AS n) AS whole FROM curve;
SELECT cx.merge((SELECT curve FROM curve WHERE part = 1), (SELECT curve FROM curve WHERE part = 2)) OPERATOR(cx.=) cx.kaplan_meier(curve) AS same FROM curve WHERE part IN (1, 2);

-- the estimate as plain SQL defines it, on random data with ties
SELECT setseed(0.8);
CREATE TABLE stay AS
SELECT CASE WHEN random() > 0.01 THEN floor(-ln(random() + 1e-9) * (1 + g) * 10) / 4 END AS duration, CASE WHEN random() > 0.01 THEN random() < 0.6 END AS ended,
	CASE WHEN random() > 0.01 THEN 'g' || g END AS grp, 's' || floor(random() * 3) AS stratum
FROM (SELECT floor(random() * random() * 5) AS g FROM generate_series(1, 4000)) AS r;
CREATE VIEW defined AS
WITH counted AS (
	SELECT duration AS time, count(*) FILTER (WHERE ended) AS events, count(*) FILTER (WHERE NOT ended) AS censored FROM stay WHERE duration IS NOT NULL AND ended IS NOT NULL GROUP BY duration
), risk AS (
	SELECT *, (sum(events + censored) OVER (ORDER BY time DESC))::bigint AS at_risk FROM counted
), product AS (
	SELECT *, exp(sum(ln(nullif(1 - events::float8 / at_risk, 0))) OVER up) * (count(*) FILTER (WHERE events = at_risk) OVER up = 0)::integer AS survival,
		sum(events / (at_risk::float8 * nullif(at_risk - events, 0))) OVER up AS greenwood
	FROM risk WINDOW up AS (ORDER BY time)
)
SELECT *, survival * sqrt(greenwood) AS std_error FROM product;
SELECT count(*) > 100 AS many, count(*) FILTER (WHERE p.time IS NULL OR d.time IS NULL OR p.events <> d.events OR p.censored <> d.censored OR p.at_risk <> d.at_risk) AS wrong_counts,
	count(*) FILTER (WHERE abs(p.survival - d.survival) > 1e-12 OR abs(p.std_error - d.std_error) > 1e-12) AS wrong_survival,
	count(*) FILTER (WHERE abs(p.lower - exp(-exp(ln(-ln(nullif(d.survival, 0))) + 1.959963984540054 * sqrt(d.greenwood) / -ln(nullif(d.survival, 0))))) > 1e-9 OR abs(p.upper - exp(-exp(ln(-ln(nullif(d.survival, 0))) - 1.959963984540054 * sqrt(d.greenwood) / -ln(nullif(d.survival, 0))))) > 1e-9) AS wrong_interval
FROM cx.points((SELECT cx.kaplan_meier(duration, ended) FROM stay)) AS p FULL JOIN defined AS d ON d.time = p.time;
-- quantiles, survival at times and the area below the curve
SELECT count(*) FILTER (WHERE abs(q.value - (SELECT min(time) FROM defined WHERE survival < 1 - share)) > 1e-9) AS wrong_quantiles, count(q.value) AS quantiles
FROM generate_series(0.05, 0.95, 0.05) AS share, cx.survival_quantile((SELECT cx.kaplan_meier(duration, ended) FROM stay), share) AS q;
SELECT count(*) FILTER (WHERE abs(s.value - coalesce((SELECT survival FROM defined WHERE time <= at ORDER BY time DESC LIMIT 1), 1)) > 1e-9) AS wrong, count(*)
FROM generate_series(0, 30, 0.3) AS at, cx.survival_at((SELECT cx.kaplan_meier(duration, ended) FROM stay), at) AS s;
SELECT horizon, abs(e.value - area) < 1e-9 AS area, abs(e.std_error - sqrt(variance)) < 1e-9 AS std_error, abs(e.upper - e.value - 1.959963984540054 * e.std_error) < 1e-9 AS interval
FROM unnest('{1,7.25,20}'::float8[]) AS horizon CROSS JOIN LATERAL cx.expected_lifetime((SELECT cx.kaplan_meier(duration, ended) FROM stay), horizon) AS e
CROSS JOIN LATERAL (
	SELECT sum(width * survival) AS area, sum(rest ^ 2 * part) AS variance
	FROM (SELECT *, sum(width * survival) OVER (ORDER BY time DESC) AS rest
		FROM (SELECT time, survival, greenwood - coalesce(lag(greenwood) OVER (ORDER BY time), 0) AS part, coalesce(least(lead(time) OVER (ORDER BY time), horizon), horizon) - time AS width
			FROM (SELECT time, survival, greenwood FROM defined UNION ALL SELECT -1e-300, 1, 0) AS d WHERE time < horizon) AS steps) AS areas) AS defined_area;

-- the log-rank test: what is expected, in strata; chi-square of two groups is a sum squared over its variance
CREATE VIEW defined_test AS
WITH moment AS (
	SELECT DISTINCT stratum, duration AS time FROM stay WHERE ended AND grp IS NOT NULL AND duration IS NOT NULL
), at AS (
	SELECT m.stratum, m.time, s.grp, count(*) AS at_risk, count(*) FILTER (WHERE s.ended AND s.duration = m.time) AS events
	FROM moment AS m JOIN stay AS s ON s.stratum = m.stratum AND s.duration >= m.time AND s.ended IS NOT NULL AND s.grp IS NOT NULL GROUP BY 1, 2, 3
)
SELECT *, sum(at_risk) OVER w AS all_at_risk, sum(events) OVER w AS all_events FROM at WINDOW w AS (PARTITION BY stratum, time);
SELECT g.name, g.customers = (SELECT count(*) FROM stay WHERE grp = g.name AND ended IS NOT NULL AND duration IS NOT NULL) AS customers, g.observed = d.observed AS observed, abs(g.expected - d.expected) < 1e-9 AS expected
FROM (SELECT cx.log_rank(duration, ended, grp, stratum) AS test FROM stay) AS t, unnest((test).groups) AS g
JOIN (SELECT grp AS name, sum(events) AS observed, sum(all_events::float8 * at_risk / all_at_risk) AS expected FROM defined_test GROUP BY grp) AS d USING (name) ORDER BY name;
SELECT count(*) AS pairs, count(*) FILTER (WHERE abs(chi_square / (excess ^ 2 / variance) - 1) > 1e-9 OR degrees_of_freedom <> 1) AS wrong
FROM unnest('{g1,g2,g3,g4}'::text[]) AS other
CROSS JOIN LATERAL (SELECT (cx.log_rank(duration, ended, grp)).* FROM stay WHERE grp IN ('g0', other)) AS t
CROSS JOIN LATERAL (
	SELECT sum(e1 - e::float8 * n1 / n) AS excess, sum(e * (n1::float8 / n) * (1 - n1::float8 / n) * (n - e) / nullif(n - 1, 0)) AS variance
	FROM (SELECT duration AS time FROM stay WHERE ended AND grp IN ('g0', other) AND duration IS NOT NULL GROUP BY 1) AS m
	CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE grp = 'g0') AS n1, count(*) FILTER (WHERE ended AND duration = m.time) AS e, count(*) FILTER (WHERE ended AND duration = m.time AND grp = 'g0') AS e1
		FROM stay WHERE duration >= m.time AND ended IS NOT NULL AND grp IN ('g0', other)) AS r) AS d;
-- one stratum is none; strata that share nothing with each other add up
SELECT cx.log_rank(duration, ended, grp) = cx.log_rank(duration, ended, grp, 'all') AS one_stratum, (cx.log_rank(duration, ended, grp)).degrees_of_freedom FROM stay;
SELECT abs((cx.log_rank(duration, ended, grp, stratum)).chi_square - (SELECT sum(excess) ^ 2 / sum(variance) FROM (
		SELECT (g).observed - (g).expected AS excess, ((g).observed - (g).expected) ^ 2 / (test).chi_square AS variance
		FROM (SELECT stratum, cx.log_rank(duration, ended, grp) AS test FROM stay WHERE grp IN ('g0', 'g1') GROUP BY stratum) AS t, LATERAL (SELECT (test).groups[1] AS g) AS first) AS s)) < 1e-9 AS adds_up
FROM stay WHERE grp IN ('g0', 'g1');
-- with two degrees of freedom the p-value is an exponential
SELECT round(chi_square::numeric, 9) AS chi_square, degrees_of_freedom, round(p_value::numeric, 9) AS p_value, round(exp(-chi_square / 2)::numeric, 9) AS exponential FROM (SELECT (cx.log_rank(d, true, g)).* FROM (VALUES (1, 'a'), (2, 'b'), (3, 'c'), (1, 'b'), (4, 'c')) AS v (d, g)) AS t;
-- out of curves, of which a group may have several
SELECT cx.log_rank(curve, grp) = (SELECT cx.log_rank(duration, ended, grp) FROM stay) AS same, cx.log_rank(curve, grp, stratum) = (SELECT cx.log_rank(duration, ended, grp, stratum) FROM stay) AS stratified
FROM (SELECT grp, stratum, cx.kaplan_meier(duration, ended) AS curve FROM stay GROUP BY 1, 2) AS c;
-- groups that cannot be compared: one only, none ended, never at risk together, one never at risk with others, none in common strata
SELECT cx.log_rank(1, true, 'a') AS one;
SELECT cx.log_rank(d, false, g) AS none_ended FROM (VALUES (1, 'a'), (2, 'b')) AS v (d, g);
SELECT cx.log_rank(d, e, g) AS apart FROM (VALUES (1, false, 'a'), (2, true, 'b'), (3, true, 'b')) AS v (d, e, g);
SELECT round(chi_square::numeric, 9) AS third_apart, degrees_of_freedom, round(p_value::numeric, 9) AS p_value, groups[1] AS first FROM (SELECT (cx.log_rank(d, e, g)).* FROM (VALUES (1, false, 'a'), (2, true, 'b'), (3, true, 'b'), (3, false, 'c')) AS v (d, e, g)) AS t;
SELECT cx.log_rank(d, true, g, g) AS strata FROM (VALUES (1, 'a'), (2, 'b'), (3, 'b')) AS v (d, g);
-- p-values: of one degree as of the normal distribution, and very small ones
SELECT (cx.log_rank(d, true, g)).p_value < 1e-200 AS tiny, (cx.log_rank(d, true, g)).p_value > 0 AS not_zero FROM (SELECT n / 1000.0 AS d, CASE WHEN n <= 500 THEN 'a' ELSE 'b' END AS g FROM generate_series(1, 1000) AS n) AS s;
-- a thousand groups, alike
SELECT degrees_of_freedom, cardinality(groups) AS groups, round(chi_square::numeric, 6) AS chi_square, p_value FROM (SELECT (cx.log_rank(n / 1000, n % 7 > 0, (n % 1000)::text)).* FROM generate_series(0, 6999) AS n) AS t;
SELECT cx.log_rank(1, true, n::text) FROM generate_series(1, 1001) AS n;
-- names are texts: empty, with quotes, Chinese; in the order of their bytes
SELECT g.* FROM (SELECT cx.log_rank(1, true, g, s) AS t FROM unnest(ARRAY['', '"', 'a,b', '满意', 'B', 'a', '{']) AS g, unnest(ARRAY['', 'a', '满']) AS s) AS t, unnest((t).groups) AS g;

-- durations that are none
SELECT cx.kaplan_meier(-1, true);
SELECT cx.kaplan_meier('NaN'::float8, true);
SELECT cx.kaplan_meier('Infinity'::float8, true);
SELECT cx.kaplan_meier('-Infinity'::float8, true);
SELECT cx.log_rank(-0.5, true, 'a');
SELECT cx.kaplan_meier(interval '-1 second', true);
SELECT cx.kaplan_meier(interval '1 month', true);
SELECT cx.log_rank(age('2026-01-01'::timestamp, '2025-01-01'), true, 'a');
-- arguments that are none
SELECT cx.points('{1:1+0}', 1);
SELECT cx.survival_at('{1:1+0}', -1);
SELECT cx.survival_at('{1:1+0}', 'NaN');
SELECT cx.survival_quantile('{1:1+0}', 0);
SELECT cx.survival_quantile('{1:1+0}', 'NaN');
SELECT cx.median_survival('{1:1+0}', 0);
SELECT cx.expected_lifetime('{1:1+0}', 'Infinity');
SELECT cx.expected_lifetime('{1:1+0}', -1);
-- text that is no curve
CREATE FUNCTION pg_temp.refused(curve text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN curve::cx.survival_curve;
EXCEPTION WHEN invalid_text_representation THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END
$$;
SELECT '{1:1}'::cx.survival_curve;
SELECT c, pg_temp.refused(c) FROM unnest(ARRAY['', '{}', '{', '1:1+0', '{1:1+0', '{1:1+0}}', '{1:1+0,}', '{1}', '{1:1}', '{1:1-1}', '{1:+1}', '{1:1+}', '{:1+1}', '{-1:1+0}', '{-0:1+0}', '{NaN:1+0}', '{Infinity:1+0}', '{1e999:1+0}', '{0x10:1+0}', '{1e:1+0}', '{--1:1+0}',
	'{2:1+0,1:1+0}', '{1:1+0,1:0+1}', '{1:0+0}', '{1:9223372036854775808+0}', '{1:9223372036854775807+1}', '{1:9223372036854775807+0,2:1+0}', '{1:1.5+0}', '{满:1+0}']) AS c;
-- bytes that are no curve: binary COPY is the way in that SQL offers; the shell's printf makes its bytes
CREATE FUNCTION pg_temp.refused_bytes(message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	reason text;
	detail text;
BEGIN
	RETURN pg_temp.receive(message);
EXCEPTION WHEN invalid_binary_representation THEN
	GET STACKED DIAGNOSTICS reason = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN btrim(reason || ' ' || detail);
END
$$;
SELECT number, pg_temp.refused_bytes(decode(hex, 'hex')) FROM (VALUES
	(1, '01' || '3ff0000000000000' || '0000000000000002' || '0000000000000003'),
	(2, ''), (3, '01'), (4, '01' || '3ff0000000000000' || '0000000000000002' || '00000000000000'),
	(5, '02' || '3ff0000000000000' || '0000000000000002' || '0000000000000003'),
	(6, '01' || 'bff0000000000000' || '0000000000000002' || '0000000000000003'),
	(7, '01' || '8000000000000000' || '0000000000000002' || '0000000000000003'),
	(8, '01' || '7ff8000000000000' || '0000000000000002' || '0000000000000003'),
	(9, '01' || '7ff0000000000000' || '0000000000000002' || '0000000000000003'),
	(10, '01' || '3ff0000000000000' || 'ffffffffffffffff' || '0000000000000003'),
	(11, '01' || '3ff0000000000000' || '0000000000000002' || '8000000000000000'),
	(12, '01' || '3ff0000000000000' || '0000000000000000' || '0000000000000000'),
	(13, '01' || '3ff0000000000000' || '7fffffffffffffff' || '0000000000000001'),
	(14, '01' || '3ff0000000000000' || '0000000000000002' || '0000000000000003' || '3ff0000000000000' || '0000000000000002' || '0000000000000003'),
	(15, '01' || '3ff0000000000000' || '0000000000000002' || '0000000000000003' || '4000000000000000' || '0000000000000000' || '0000000000000001')) AS v (number, hex) ORDER BY number;
-- each byte flipped: an error, or a curve that reads itself
SELECT count(*) AS flips, count(*) FILTER (WHERE answer LIKE '{%' AND answer::cx.survival_curve::text = answer) AS curves, count(*) FILTER (WHERE answer LIKE '% survival curve%') AS errors
FROM (SELECT pg_temp.refused_bytes(set_byte(bytes, i, 255 - get_byte(bytes, i))) AS answer
	FROM (SELECT cx.survival_curve_send('{0:1+2,0.5:3+0,7:0+9}') AS bytes) AS b, generate_series(0, length(bytes) - 1) AS i) AS f;

-- more customers than can be counted
SELECT cx.merge('{1:9223372036854775807+0}'::cx.survival_curve, '{2:0+1}');
SELECT cx.kaplan_meier(c) FROM unnest('{"{1:9223372036854775807+0}","{1:1+0}"}'::cx.survival_curve[]) AS c;
SELECT cx.log_rank(c, 'a', g) FROM unnest('{"{1:9223372036854775807+0}","{1:1+0}"}'::cx.survival_curve[], '{a,b}'::text[]) AS v (c, g);
SELECT p.time, at_risk, events, survival < 2e-19 AS small, std_error IS NULL AS unknown FROM cx.points('{1:9223372036854775806+0,1.7976931348623157e+308:1+0}') AS p;
SELECT (cx.expected_lifetime('{1:1+0,1.7976931348623157e+308:1+0}')).value, (cx.median_survival('{1e+308:1+0,1.7e+308:1+0}')).value;
-- customer lifetime value: the sum of all margins to come, each discounted
SELECT margin, retention, discount, round(cx.customer_lifetime_value(margin, retention, discount)::numeric, 9) AS value, round(sum(margin * retention ^ t / (1 + discount) ^ t)::numeric, 9) AS summed
FROM (VALUES (1, 100.0, 0.8, 0.1), (2, 100, 0, 0.1), (3, 50, 0.9, 0), (4, -10, 0.5, 0.2), (5, 100, 0.99, 0.5)) AS v (n, margin, retention, discount), generate_series(1, 2000) AS t GROUP BY n, margin, retention, discount ORDER BY n;
SELECT cx.customer_lifetime_value(100, 1, 0.1) AS forever;
SELECT cx.customer_lifetime_value(100, 1.1, 0.1);
SELECT cx.customer_lifetime_value(100, -0.1, 0.1);
SELECT cx.customer_lifetime_value(100, 'NaN', 0.1);
SELECT cx.customer_lifetime_value(100, 0.8, -0.1);
SELECT cx.customer_lifetime_value(100, 0.8, 'Infinity');
SELECT cx.customer_lifetime_value('Infinity', 0.8, 0.1);
SELECT cx.customer_lifetime_value(100, 1, 0);
SELECT cx.customer_lifetime_value(1e308, 0.99, 0.001);
DROP VIEW defined, defined_test;
DROP TABLE remission, curve, wire, stay;
