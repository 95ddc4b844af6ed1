-- Golden values: scores, intervals and tests recomputed from real survey data,
-- against values that an independent program (R) computed from the same files.
--
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  For every statistic named in "covered" each golden value must
-- be met with a relative error of at most 1e-9 (absolute 1e-12 where it is 0);
-- golden intervals are cut off at the ends of the scale first, as ours are.
-- Golden statistics not named there are other methods, for comparison only.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;

CREATE TEMP TABLE golden (file text DEFAULT 'none', sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (file text, sample text, statistic text, actual double precision);
CREATE TEMP TABLE covered (file text, statistic text, least double precision, most double precision);

\copy golden (sample, statistic, expected) FROM 'golden/nps.csv' CSV HEADER
UPDATE golden SET file = 'nps' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/nps_rsurvey2018.csv' CSV HEADER
UPDATE golden SET file = 'nps_rsurvey2018' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/nps_change.csv' CSV HEADER
UPDATE golden SET file = 'nps_change' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/nps_diff.csv' CSV HEADER
UPDATE golden SET file = 'nps_diff' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/weighted.csv' CSV HEADER
UPDATE golden SET file = 'weighted' WHERE file = 'none';
\copy golden (sample, statistic, expected) FROM 'golden/csat_ces.csv' CSV HEADER
UPDATE golden SET file = 'csat_ces' WHERE file = 'none';

INSERT INTO covered VALUES
	('nps', 'n'), ('nps', 'promoters'), ('nps', 'passives'), ('nps', 'detractors'),
	('nps', 'p_promoter'), ('nps', 'p_passive'), ('nps', 'p_detractor'), ('nps', 'nps'), ('nps', 'se_n'),
	('nps', 'mean_score'), ('nps', 'sd_score'), ('nps', 'n_for_moe5'),
	('nps_change', 'n1'), ('nps_change', 'n2'), ('nps_change', 'diff'), ('nps_change', 'adj_se'),
	('nps_change', 'adj_z'), ('nps_change', 'adj_p'),
	('nps_diff', 'n1'), ('nps_diff', 'n2'), ('nps_diff', 'nps1'), ('nps_diff', 'nps2'), ('nps_diff', 'diff'),
	('nps_diff', 'se_n'), ('nps_diff', 'z_n'), ('nps_diff', 'p_n'), ('nps_diff', 'lo_n'), ('nps_diff', 'hi_n'),
	('nps_diff', 'p_holm'), ('nps_diff', 'p_bh'),
	('weighted', 'n'), ('weighted', 'wnps'), ('weighted', 'se_lin'), ('weighted', 'kish_neff'), ('weighted', 'kish_deff'),
	('weighted', 'p_promoter_w'), ('weighted', 'p_detractor_w'),
	('weighted', 'top2_w'), ('weighted', 'top2_se'), ('weighted', 'mean_w'), ('weighted', 'mean_se'),
	('csat_ces', 'n'), ('csat_ces', 'x'), ('csat_ces', 'prop'), ('csat_ces', 'se'), ('csat_ces', 'wilson_lo'),
	('csat_ces', 'wilson_hi'), ('csat_ces', 'mean'), ('csat_ces', 'sd'), ('csat_ces', 't_lo'), ('csat_ces', 't_hi'),
	('csat_ces', 'n1'), ('csat_ces', 'n2'), ('csat_ces', 'n3'), ('csat_ces', 'n4'), ('csat_ces', 'n5'),
	('csat_ces', 'p1'), ('csat_ces', 'p2'), ('csat_ces', 'diff'), ('csat_ces', 'z_pooled'), ('csat_ces', 'p_pooled'),
	('csat_ces', 'newcombe_lo'), ('csat_ces', 'newcombe_hi'),
	('csat_ces', 'welch_t'), ('csat_ces', 'welch_df'), ('csat_ces', 'welch_p'), ('csat_ces', 'welch_lo'), ('csat_ces', 'welch_hi');
INSERT INTO covered VALUES
	('nps', 'adj_tri3_lo', -100, 100), ('nps', 'adj_tri3_hi', -100, 100),
	('nps_change', 'adj_lo', -200, 200), ('nps_change', 'adj_hi', -200, 200),
	('weighted', 'lo', -100, 100), ('weighted', 'hi', -100, 100);
INSERT INTO covered
SELECT 'nps_rsurvey2018', statistic, least, most FROM covered WHERE file = 'nps';

-- The data, as an analyst would load it

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
CREATE TEMP TABLE r2018 (
	id integer, survey_lang text, submitted timestamp, experience text, r_year text,
	enjoyment smallint, difficulty smallint, nps smallint
);
\copy r2018 FROM 'data/r_survey_2018.csv' CSV HEADER
CREATE TEMP TABLE wave (year integer, respnum integer, strata integer, overall smallint, weight double precision);
\copy wave FROM 'data/sfo_overall_2010_2016.csv' CSV HEADER

-- Every respondent once for each group that he belongs to, named as the golden samples are

CREATE TEMP TABLE sfo_group AS
SELECT s.*, kind, member, kind || CASE WHEN kind = 'all' THEN '' ELSE '=' || member END AS group_name
FROM sfo AS s, LATERAL (VALUES
	('all', 'all'), ('boarding_area', boarding_area), ('strata', strata::text), ('purpose', purpose::text),
	('dest_geo', dest_geo::text), ('gender', gender::text), ('age', age::text), ('income', income::text),
	('weekday', weekday), ('problem', problem::text), ('times_flown', times_flown::text),
	('airline', airline)) AS g (kind, member)
WHERE member IS NOT NULL;
CREATE TEMP TABLE r_group AS
SELECT r.*, kind, member
FROM r2018 AS r, LATERAL (VALUES ('experience', 'all'), ('experience', experience), ('survey_lang', survey_lang)) AS g (kind, member)
WHERE member IS NOT NULL;

-- nps.csv, nps_rsurvey2018.csv

CREATE TEMP TABLE nps_sample AS
SELECT 'nps' AS file, 'sfo2017|' || group_name AS sample, 0.95::double precision AS confidence, cx.tally(nps) AS t
FROM sfo_group GROUP BY group_name
UNION ALL
SELECT 'nps', 'sfo2017|all|conf=' || confidence, confidence::double precision, cx.tally(nps)
FROM sfo, (VALUES ('0.90'), ('0.99')) AS c (confidence) GROUP BY confidence
UNION ALL
SELECT 'nps_rsurvey2018', 'r2018|' || kind || '=' || member, 0.95, cx.tally(nps) FROM r_group GROUP BY kind, member
UNION ALL
-- the made-up counts of promoters, passives and detractors
SELECT 'nps', sample, 0.95, format('{0:%s,7:%s,10:%s}', d, m, p)::cx.tally
FROM (SELECT DISTINCT sample, split_part(split_part(sample, '|', 2), '-', 1) AS p,
		split_part(split_part(sample, '|', 2), '-', 2) AS m, split_part(split_part(sample, '|', 2), '-', 3) AS d
	FROM golden WHERE file = 'nps' AND sample LIKE 'counts|%') AS counts;

INSERT INTO computed
SELECT file, sample, v.*
FROM (SELECT *, cx.nps_estimate(t, confidence) AS e FROM nps_sample) AS s, LATERAL (VALUES
	('n', cx.responses(t)), ('promoters', cx.promoters(t)), ('passives', cx.passives(t)), ('detractors', cx.detractors(t)),
	('p_promoter', cx.share_of(t, 9, 10) / 100), ('p_passive', cx.share_of(t, 7, 8) / 100), ('p_detractor', cx.share_of(t, 0, 6) / 100),
	('nps', cx.nps_of(t)), ('se_n', (e).std_error), ('adj_tri3_lo', (e).lower), ('adj_tri3_hi', (e).upper),
	('mean_score', cx.mean_of(t)), ('sd_score', cx.stddev_of(t)),
	('n_for_moe5', cx.nps_sample_size(5, confidence, t))) AS v (statistic, actual);

-- nps_change.csv and nps_diff.csv: "a-b" is a minus b, that is b before and a after

CREATE TEMP TABLE nps_pair AS
SELECT DISTINCT file, sample, split_part(sample, '|', 1) AS survey,
	split_part(split_part(sample, '|', 2), ':', 1) AS kind,
	split_part(split_part(sample, ':', 2), '-', 1) AS a, split_part(split_part(sample, ':', 2), '-', 2) AS b
FROM golden WHERE file IN ('nps_change', 'nps_diff') AND sample LIKE '%:%' AND sample NOT LIKE '%pair=%';
CREATE TEMP TABLE group_tally AS
SELECT 'sfo2017' AS survey, kind, member, cx.tally(nps) AS t FROM sfo_group GROUP BY kind, member
UNION ALL
SELECT 'r2018', kind, member, cx.tally(nps) FROM r_group GROUP BY kind, member;

INSERT INTO computed
SELECT file, sample, v.*
FROM (SELECT p.file, p.sample, a.t AS a, b.t AS b, cx.nps_change(b.t, a.t) AS c
	FROM nps_pair AS p
	JOIN group_tally AS a ON (a.survey, a.kind, a.member) = (p.survey, p.kind, p.a)
	JOIN group_tally AS b ON (b.survey, b.kind, b.member) = (p.survey, p.kind, p.b)
	WHERE file = 'nps_change') AS s, LATERAL (VALUES
	('n1', (c).responses_after), ('n2', (c).responses_before), ('diff', (c).difference), ('adj_se', (c).std_error),
	('adj_z', (c).statistic), ('adj_p', (c).p_value), ('adj_lo', (c).lower), ('adj_hi', (c).upper)) AS v (statistic, actual);

-- themes: who mentions a comment code against the others who commented
CREATE TEMP TABLE theme_tally AS
SELECT code, cx.tally(nps) FILTER (WHERE code IN (comment1, comment2, comment3)) AS a,
	cx.tally(nps) FILTER (WHERE code IN (comment1, comment2, comment3) IS NOT TRUE) AS b
FROM sfo, (SELECT DISTINCT split_part(sample, '=', 2)::integer AS code FROM golden WHERE sample LIKE 'sfo2017|theme=%') AS c
WHERE num_nonnulls(comment1, comment2, comment3) > 0
GROUP BY code;

INSERT INTO computed
SELECT 'nps_diff', sample, v.*
FROM (SELECT sample, a, b, cx.nps_estimate(a) OPERATOR(cx.-) cx.nps_estimate(b) AS c
	FROM (SELECT p.sample, a.t AS a, b.t AS b
		FROM nps_pair AS p
		JOIN group_tally AS a ON (a.survey, a.kind, a.member) = (p.survey, p.kind, p.a)
		JOIN group_tally AS b ON (b.survey, b.kind, b.member) = (p.survey, p.kind, p.b)
		WHERE file = 'nps_diff'
		UNION ALL
		SELECT 'sfo2017|theme=' || code, a, b FROM theme_tally) AS pairs) AS s, LATERAL (VALUES
	('n1', (c).responses_after), ('n2', (c).responses_before), ('nps1', cx.nps_of(a)), ('nps2', cx.nps_of(b)),
	('diff', (c).difference), ('se_n', (c).std_error), ('z_n', (c).statistic), ('p_n', (c).p_value),
	('lo_n', (c).lower), ('hi_n', (c).upper)) AS v (statistic, actual);

-- adjustment for many tests: all pairs of one grouping
INSERT INTO computed
SELECT 'nps_diff', sample, v.*
FROM (SELECT sample, cx.holm(expected) OVER family AS holm, cx.fdr(expected) OVER family AS fdr
	FROM golden WHERE file = 'nps_diff' AND statistic = 'p_none'
	WINDOW family AS (PARTITION BY split_part(sample, '|pair=', 1))) AS s,
	LATERAL (VALUES ('p_holm', holm), ('p_bh', fdr)) AS v (statistic, actual);

-- weighted.csv

INSERT INTO computed
SELECT 'weighted', prefix || group_name, v.*
FROM (SELECT group_name, cx.weighted_nps(nps, weight) AS e,
		cx.weighted_csat(nps, 9, weight) AS promoters, cx.weighted_csat(nps, 7, weight) AS not_detractors
	FROM sfo_group GROUP BY group_name) AS s,
	(VALUES ('sfo2017|'), ('sfo2017|domain|')) AS p (prefix),
	LATERAL (VALUES
	('n', (e).responses), ('wnps', (e).value), ('se_lin', (e).std_error), ('lo', (e).lower), ('hi', (e).upper),
	('kish_neff', (e).effective_responses), ('kish_deff', (e).responses / (e).effective_responses),
	('p_promoter_w', (promoters).value / 100), ('p_detractor_w', 1 - (not_detractors).value / 100)) AS v (statistic, actual);
INSERT INTO computed
SELECT 'weighted', 'sfo2017|csat_w|' || question, v.*
FROM (SELECT question, cx.weighted_csat(score, 4, weight) AS top, cx.weighted_mean(score, weight) AS mean
	FROM sfo, LATERAL (VALUES ('overall', overall), ('clean_all', clean_all), ('safe', safe), ('ease_finding', ease_finding),
		('ease_security', ease_security), ('ease_getting', ease_getting), ('clean_restroom', clean_restroom)) AS q (question, score)
	GROUP BY question) AS s, LATERAL (VALUES
	('n', (top).responses), ('top2_w', (top).value / 100), ('top2_se', (top).std_error / 100),
	('mean_w', (mean).value), ('mean_se', (mean).std_error)) AS v (statistic, actual);

-- csat_ces.csv

CREATE TEMP TABLE rating AS
SELECT 'sfo2017|csat|' || question AS sample, cx.tally(score) AS t
FROM sfo, LATERAL (VALUES ('overall', overall), ('art', art), ('food', food), ('store', store), ('sign', sign), ('wifi', wifi),
	('clean_all', clean_all), ('clean_restroom', clean_restroom), ('safe', safe)) AS q (question, score)
GROUP BY question
UNION ALL
SELECT 'sfo2017|ces|' || question, cx.tally(score)
FROM sfo, LATERAL (VALUES ('ease_finding', ease_finding), ('ease_security', ease_security), ('ease_getting', ease_getting)) AS q (question, score)
GROUP BY question
UNION ALL SELECT 'sfo2017|csat|overall|' || group_name, cx.tally(overall) FROM sfo_group GROUP BY group_name
UNION ALL SELECT 'sfo2017|ces|ease_finding|' || group_name, cx.tally(ease_finding) FROM sfo_group GROUP BY group_name
UNION ALL SELECT 'r2018|ces|difficulty', cx.tally(difficulty) FROM r2018
UNION ALL SELECT 'r2018|csat|enjoyment', cx.tally(enjoyment) FROM r2018;

INSERT INTO computed
SELECT 'csat_ces', sample || part, statistic, actual
FROM (SELECT sample, t, cx.csat_estimate(t) AS top, cx.csat_estimate(t, 3) AS not_bottom, cx.mean_estimate(t) AS mean
	FROM rating) AS s, LATERAL (VALUES
	('|top2', 'n', (top).responses), ('|top2', 'x', round((top).value * (top).responses / 100)), ('|top2', 'prop', (top).value / 100),
	('|top2', 'se', (top).std_error / 100), ('|top2', 'wilson_lo', (top).lower / 100), ('|top2', 'wilson_hi', (top).upper / 100),
	('|bottom2', 'n', (not_bottom).responses), ('|bottom2', 'x', (SELECT coalesce(sum(responses), 0) FROM cx.counts(t) WHERE score <= 2)),
	('|bottom2', 'prop', cx.share_of(t, 0, 2) / 100), ('|bottom2', 'se', (not_bottom).std_error / 100),
	('|bottom2', 'wilson_lo', 1 - (not_bottom).upper / 100), ('|bottom2', 'wilson_hi', 1 - (not_bottom).lower / 100),
	('|mean', 'n', (mean).responses), ('|mean', 'mean', (mean).value), ('|mean', 'sd', cx.stddev_of(t)),
	('|mean', 'se', (mean).std_error), ('|mean', 't_lo', (mean).lower), ('|mean', 't_hi', (mean).upper)) AS v (part, statistic, actual);
INSERT INTO computed
SELECT 'csat_ces', sample || '|dist', 'n' || score, coalesce((SELECT responses FROM cx.counts(t) AS c WHERE c.score = g.score), 0)
FROM rating, generate_series(1, 5) AS g (score);

-- made-up counts "satisfied/answers", and the yearly waves
INSERT INTO computed
SELECT 'csat_ces', sample, v.*
FROM (SELECT sample, cx.csat_estimate(t) AS e FROM (
		SELECT DISTINCT sample, format('{1:%s,5:%s}', split_part(sample, '/', 2)::bigint - split_part(split_part(sample, '|', 2), '/', 1)::bigint,
			split_part(split_part(sample, '|', 2), '/', 1))::cx.tally AS t
		FROM golden WHERE file = 'csat_ces' AND sample LIKE 'counts|%'
		UNION ALL
		SELECT 'sfo_wave|' || year, cx.tally(overall) FROM wave GROUP BY year) AS tallies) AS s, LATERAL (VALUES
	('n', (e).responses), ('x', round((e).value * (e).responses / 100)), ('prop', (e).value / 100), ('se', (e).std_error / 100),
	('wilson_lo', (e).lower / 100), ('wilson_hi', (e).upper / 100)) AS v (statistic, actual);
INSERT INTO computed
SELECT 'csat_ces', 'sfo_wave_mean|' || year, v.*
FROM (SELECT year, cx.mean_estimate(cx.tally(overall)) AS e, cx.stddev_of(cx.tally(overall)) AS sd FROM wave GROUP BY year) AS s, LATERAL (VALUES
	('n', (e).responses), ('mean', (e).value), ('sd', sd), ('se', (e).std_error), ('t_lo', (e).lower), ('t_hi', (e).upper)) AS v (statistic, actual);

-- two groups
CREATE TEMP TABLE rating_pair AS
SELECT 'sfo_wave|' || a.year || '-' || b.year AS sample, a.t AS a, b.t AS b
FROM (SELECT year, cx.tally(overall) AS t FROM wave GROUP BY year) AS a
JOIN (SELECT year, cx.tally(overall) AS t FROM wave GROUP BY year) AS b ON a.year = b.year + 1
UNION ALL
SELECT prefix || g.kind || ':' || a || '-' || b,
	cx.tally(CASE WHEN prefix LIKE '%ces%' THEN ease_finding ELSE overall END) FILTER (WHERE member = a),
	cx.tally(CASE WHEN prefix LIKE '%ces%' THEN ease_finding ELSE overall END) FILTER (WHERE member = b)
FROM (VALUES ('boarding_area', 'B', 'F'), ('boarding_area', 'E', 'B'), ('purpose', '1', '2'), ('gender', '1', '2'), ('problem', '1', '2')) AS g (kind, a, b)
JOIN sfo_group AS s USING (kind),
	(VALUES ('sfo2017|csat_diff|'), ('sfo2017|csat_mean_diff|'), ('sfo2017|ces_mean_diff|')) AS p (prefix)
GROUP BY prefix, g.kind, a, b;

INSERT INTO computed
SELECT 'csat_ces', sample, v.*
FROM (SELECT sample, a, b, cx.csat_change(b, a) AS c, cx.mean_change(b, a) AS m FROM rating_pair) AS s, LATERAL (VALUES
	('p1', cx.csat_of(a) / 100), ('p2', cx.csat_of(b) / 100),
	('diff', CASE WHEN sample LIKE '%mean_diff%' THEN (m).difference ELSE (c).difference / 100 END),
	('z_pooled', (c).statistic), ('p_pooled', (c).p_value), ('newcombe_lo', (c).lower / 100), ('newcombe_hi', (c).upper / 100),
	('welch_t', (m).statistic), ('welch_df', (m).df), ('welch_p', (m).p_value), ('welch_lo', (m).lower), ('welch_hi', (m).upper)) AS v (statistic, actual);

-- The comparison.  Left alone: samples reweighted to made-up margins (their
-- weights are not in the data) and a design-based t test.

CREATE TEMP TABLE compared AS
SELECT g.file, g.sample, g.statistic, bounded AS expected, c.actual, c.sample IS NOT NULL AS found,
	CASE WHEN bounded IS NULL THEN c.actual IS NULL
		WHEN bounded = 0 THEN abs(c.actual) <= 1e-12
		ELSE abs(c.actual - bounded) <= 1e-9 * abs(bounded) END IS TRUE AS met
FROM golden AS g
JOIN covered AS v USING (file, statistic)
LEFT JOIN computed AS c USING (file, sample, statistic),
	LATERAL (SELECT CASE WHEN expected < least THEN least WHEN expected > most THEN most ELSE expected END AS bounded) AS b
WHERE g.sample NOT LIKE 'sfo2017|rake%' AND g.sample NOT LIKE 'sfo2017|svyttest%'
	AND g.sample NOT LIKE 'sfo2017|cor|%' AND g.sample NOT LIKE 'sfo2017|cronbach|%'
	-- the number of all respondents in a grouping, no statistic of two groups
	AND NOT (g.file = 'nps_diff' AND g.statistic = 'n');

SELECT '1..' || count(DISTINCT file) FROM golden;
SELECT format('%s - %s.csv: %s of %s values met', CASE WHEN count(*) = wanted AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	file, count(*) FILTER (WHERE found AND met), wanted)
-- how many there are to compare, so that none drops out unnoticed
FROM (VALUES ('csat_ces', 1757), ('nps', 1196), ('nps_change', 88), ('nps_diff', 550), ('nps_rsurvey2018', 98), ('weighted', 344)) AS files (file, wanted)
LEFT JOIN compared USING (file)
GROUP BY file, wanted ORDER BY file;
SELECT format('# %s.csv %s %s: expected %s, got %s', file, sample, statistic, expected, CASE WHEN found THEN coalesce(actual::text, 'NULL') ELSE 'nothing' END)
FROM compared WHERE NOT (found AND met) ORDER BY file, sample, statistic LIMIT 40;
