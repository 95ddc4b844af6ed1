-- Golden values: regressions and drivers of real surveys and textbook data,
-- against values that an independent program (R) computed from the same files.
--
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  Every covered golden value must be met with a relative error of
-- at most 1e-8 (absolute 1e-12 where it is 0); standard errors of logistic
-- regression and what follows from them with 1e-6 (of a p-value its logarithm),
-- for R takes them from the last step but one.  Golden statistics that are not
-- covered are other methods (weights, robust errors, information criteria), and
-- the logistic regression of those who travel for themselves, whose outcome one
-- rating separates: R stops at a coefficient that has no end (32, error 163534).

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;

CREATE TEMP TABLE golden (file text DEFAULT 'none', sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (sample text, statistic text, actual double precision);

\copy golden (sample, statistic, expected) FROM 'golden/drivers_airline.csv' CSV HEADER
UPDATE golden SET file = 'drivers_airline' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/drivers_small.csv' CSV HEADER
UPDATE golden SET file = 'drivers_small' WHERE file = 'none';

-- The data

CREATE TEMP TABLE airline (
	row_no integer, id integer, gender text, customer_type text, age integer, type_of_travel text, class text, flight_distance integer,
	inflight_wifi_service smallint, departure_arrival_time_convenient smallint, ease_of_online_booking smallint, gate_location smallint,
	food_and_drink smallint, online_boarding smallint, seat_comfort smallint, inflight_entertainment smallint, on_board_service smallint,
	leg_room_service smallint, baggage_handling smallint, checkin_service smallint, inflight_service smallint, cleanliness smallint,
	departure_delay integer, arrival_delay integer, satisfied integer
);
\copy airline FROM PROGRAM 'gzip -dc data/airline.csv.gz' CSV HEADER
CREATE TEMP TABLE sfo (
	respnum integer, year integer, interview_day integer, weekday text, gate text, boarding_area text, strata integer,
	peak integer, method integer, airline text, destination text, dest_geo integer, dest_mark integer, purpose integer,
	getto integer, checked_bags integer, bought_store integer, bought_food integer, used_wifi integer,
	times_flown integer, first_time integer, long_use integer, art smallint, food smallint, store smallint,
	sign smallint, walkways smallint, screens smallint, info_down smallint, info_up smallint, wifi smallint,
	roads smallint, park smallint, airtrain smallint, lt_parking smallint, rental smallint, overall smallint,
	clean_boarding smallint, clean_airtrain smallint, clean_rental smallint, clean_food smallint,
	clean_restroom smallint, clean_all smallint, safe smallint, precheck integer, ease_getting smallint,
	ease_finding smallint, ease_security smallint, problem integer, nps smallint, live integer, age integer,
	gender integer, income integer, fly100k integer, lang integer, weight double precision,
	comment1 integer, comment2 integer, comment3 integer
);
\copy sfo FROM 'data/sfo2017.csv' CSV HEADER
CREATE TEMP TABLE attitude (rating double precision, complaints double precision, privileges double precision, learning double precision, raises double precision, critical double precision, advance double precision);
\copy attitude FROM 'data/attitude.csv' CSV HEADER
CREATE TEMP TABLE swiss ("Fertility" double precision, "Agriculture" double precision, "Examination" double precision, "Education" double precision, "Catholic" double precision, "Infant.Mortality" double precision);
\copy swiss FROM 'data/swiss.csv' CSV HEADER
CREATE TEMP TABLE mtcars (mpg double precision, cyl double precision, disp double precision, hp double precision, drat double precision, wt double precision, qsec double precision, vs double precision, am double precision, gear double precision, carb double precision);
\copy mtcars FROM 'data/mtcars.csv' CSV HEADER

-- The models: an outcome, its drivers, and where the rows come from

CREATE TEMP TABLE model (sample text, outcome text, drivers text[], source text, is_logit boolean DEFAULT false);
\set ratings '{inflight_wifi_service,departure_arrival_time_convenient,ease_of_online_booking,gate_location,food_and_drink,online_boarding,seat_comfort,inflight_entertainment,on_board_service,leg_room_service,baggage_handling,checkin_service,inflight_service,cleanliness}'
SELECT 'airline WHERE least(' || array_to_string((:'ratings')::text[], ', ') || ') > 0' AS rated \gset
INSERT INTO model VALUES
	('airline|rated', 'satisfied', :'ratings', :'rated', true),
	('airline|zero_as_value', 'satisfied', :'ratings', 'airline', true),
	('airline|rated_business', 'satisfied', :'ratings', :'rated' || ' AND type_of_travel = ''Business travel''', true),
	('airline|rated_personal', 'satisfied', :'ratings', :'rated' || ' AND type_of_travel = ''Personal Travel''', false);
\set t10 '{food,store,sign,walkways,screens,clean_boarding,clean_food,clean_restroom,ease_finding,ease_security}'
INSERT INTO model VALUES
	('sfo2017|nps|t10', 'nps', :'t10', 'sfo WHERE weight IS NOT NULL', false),
	('sfo2017|overall|t10', 'overall', :'t10', 'sfo WHERE weight IS NOT NULL', false),
	('sfo2017|nps|t5', 'nps', '{sign,screens,clean_all,safe,ease_finding}', 'sfo', false),
	('sfo2017|promoter|t10', 'promoter', :'t10', '(SELECT *, (nps >= 9)::integer AS promoter FROM sfo) AS s', true),
	('attitude|rating', 'rating', '{complaints,privileges,learning,raises,critical,advance}', 'attitude', false),
	('swiss|Fertility', 'Fertility', '{Agriculture,Examination,Education,Catholic,Infant.Mortality}', 'swiss', false),
	('mtcars|mpg', 'mpg', '{cyl,disp,hp,drat,wt,qsec,vs,am,gear,carb}', 'mtcars', false),
	('mtcars|am', 'am', '{wt,cyl}', 'mtcars', true);

CREATE TEMP TABLE summary (sample text, outcome text, names text[], m cx.moments, is_logit boolean, source text);
DO $$
DECLARE
	r record;
	m cx.moments;
BEGIN
	FOR r IN SELECT *, array_append(drivers, outcome) AS names FROM model LOOP
		EXECUTE format('SELECT cx.moments(ARRAY[%s]::double precision[]) FROM %s', (SELECT string_agg(format('%I', n), ', ' ORDER BY o) FROM unnest(r.names) WITH ORDINALITY AS u (n, o)), r.source) INTO m;
		INSERT INTO summary VALUES (r.sample, r.outcome, r.names, m, r.is_logit, r.source);
	END LOOP;
END $$;

-- Least squares

INSERT INTO computed
SELECT sample || '|ols', v.*
FROM summary AS s, LATERAL cx.regression_fit(m, cardinality(names)) AS f, LATERAL (VALUES
	('n', f.row_count), ('mean_y', cx.mean_of(m, cardinality(names))), ('sd_y', cx.stddev_of(m, cardinality(names))),
	('r2', f.r_squared), ('adj_r2', f.adjusted_r_squared), ('f', f.f), ('sigma', f.residual_error)) AS v (statistic, actual);
INSERT INTO computed
SELECT sample || '|ols|' || CASE WHEN term = '(intercept)' THEN '(Intercept)' ELSE term END, v.*
FROM summary AS s, LATERAL cx.regression(m, cardinality(names), names => names) AS t, LATERAL (VALUES
	('coef', t.coefficient), ('se', t.std_error), ('t', t.t), ('p', t.p_value)) AS v (statistic, actual);
INSERT INTO computed
SELECT sample || '|driver|' || term, 'vif', vif
FROM summary AS s, LATERAL cx.regression(m, cardinality(names), names => names) AS t
WHERE vif IS NOT NULL;

-- Drivers

INSERT INTO computed
SELECT sample || '|driver|' || d.driver, v.*
FROM summary AS s, LATERAL (SELECT *, rank() OVER (ORDER BY importance DESC) FROM cx.drivers(m, names, outcome)) AS d,
	LATERAL (SELECT array_position(names, d.driver) AS i, cardinality(names) AS y) AS p, LATERAL (VALUES
	('mean', d.performance), ('sd', cx.stddev_of(m, i)), ('pearson', cx.correlation(m, i, y)), ('std_beta', d.coefficient * cx.stddev_of(m, i) / cx.stddev_of(m, y)),
	('r2_first', cx.correlation(m, i, y) ^ 2), ('johnson_raw', d.importance), ('johnson_pct', d.share), ('johnson_rank', d.rank)) AS v (statistic, actual);
INSERT INTO computed
SELECT sample || '|driver|' || d.driver, v.*
FROM summary AS s, LATERAL (SELECT *, rank() OVER (ORDER BY importance DESC) FROM cx.drivers(m, names, outcome, 'shapley')) AS d, LATERAL (VALUES
	('lmg_raw', d.importance), ('lmg_pct', d.share), ('lmg_rank', d.rank)) AS v (statistic, actual);

-- Logistic regression: a Boolean outcome in one call

INSERT INTO computed
SELECT sample || '|logit|' || d.driver, v.*
FROM summary AS s, LATERAL (SELECT format('SELECT %s, %I = 1 AS %2$I FROM %s', (SELECT string_agg(format('%I', n), ', ') FROM unnest(trim_array(names, 1)) AS n), outcome, source) AS query) AS q,
	LATERAL cx.driver_analysis(query, outcome) AS d, LATERAL (VALUES
	('coef', d.coefficient), ('se', d.std_error), ('z', d.coefficient / d.std_error), ('p', d.p_value), ('odds_ratio', exp(d.coefficient))) AS v (statistic, actual)
WHERE is_logit;
-- which gives the same importances
INSERT INTO computed
SELECT sample || '|again|' || d.driver, 'johnson_raw', d.importance
FROM summary AS s, LATERAL (SELECT format('SELECT %s FROM %s', (SELECT string_agg(format('%I', n), ', ') FROM unnest(names) AS n), source) AS query) AS q,
	LATERAL cx.driver_analysis(query, outcome) AS d;
INSERT INTO golden SELECT file, replace(sample, '|driver|', '|again|'), statistic, expected FROM golden WHERE sample LIKE '%|driver|%' AND statistic = 'johnson_raw';

-- The comparison

CREATE TEMP TABLE compared AS
SELECT g.file, g.sample, g.statistic, expected, c.actual, c.sample IS NOT NULL AS found,
	CASE WHEN expected IS NULL THEN c.actual IS NULL
		WHEN expected = 0 THEN abs(c.actual) <= 1e-12
		WHEN g.sample LIKE '%|logit|%' AND g.statistic IN ('se', 'z') THEN abs(c.actual - expected) <= 1e-6 * abs(expected)
		WHEN g.sample LIKE '%|logit|%' AND g.statistic = 'p' THEN abs(ln(c.actual) - ln(expected)) <= 1e-6 * greatest(abs(ln(expected)), 1)
		ELSE abs(c.actual - expected) <= 1e-8 * abs(expected) END IS TRUE AS met
FROM golden AS g
LEFT JOIN computed AS c USING (sample, statistic)
WHERE (g.sample LIKE '%|ols' AND statistic IN ('n', 'mean_y', 'sd_y', 'r2', 'adj_r2', 'f', 'sigma'))
	OR (g.sample LIKE '%|ols|%' AND statistic IN ('coef', 'se', 't', 'p'))
	OR (g.sample LIKE '%|driver|%' AND statistic IN ('mean', 'sd', 'pearson', 'std_beta', 'vif', 'r2_first', 'johnson_raw', 'johnson_pct', 'johnson_rank', 'lmg_raw', 'lmg_pct', 'lmg_rank'))
	OR (g.sample LIKE '%|logit|%' AND g.sample NOT LIKE '%(Intercept)' AND g.sample NOT LIKE 'airline|rated_personal|%')
	OR g.sample LIKE '%|again|%';

SELECT '1..' || count(DISTINCT file) FROM golden;
SELECT format('%s - %s.csv: %s of %s values met', CASE WHEN count(*) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	file, count(*) FILTER (WHERE found AND met), wanted)
-- how many there are to compare, so that none drops out unnoticed
FROM (VALUES ('drivers_airline', 1206), ('drivers_small', 1134)) AS files (file, wanted)
LEFT JOIN compared USING (file)
GROUP BY file, wanted ORDER BY file;
SELECT format('# %s.csv %s %s: expected %s, got %s', file, sample, statistic, expected, CASE WHEN found THEN coalesce(actual::text, 'NULL') ELSE 'nothing' END)
FROM compared WHERE NOT (found AND met) ORDER BY file, sample, statistic LIMIT 40;
