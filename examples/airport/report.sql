\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset null '-'
CREATE EXTENSION cx;

\echo
\echo San Francisco International Airport, May 2017: would you recommend us?
\echo ======================================================================
SELECT count(nps) AS answers, round(cx.nps(nps)::numeric, 1) AS nps,
	round((cx.weighted_nps(nps, weight)).value::numeric, 1) AS weighted,
	round((cx.weighted_nps(nps, weight)).effective_responses) AS "as good as",
	round(cx.csat(overall)::numeric, 1) || ' %' AS "satisfied overall"
FROM survey;

-- every respondent once for each way of grouping
CREATE TEMP VIEW grouped AS
SELECT s.nps, s.weight, dimension, member
FROM (SELECT *, count(nps) OVER (PARTITION BY airline) AS airline_answers FROM survey) AS s
LEFT JOIN purpose AS p USING (purpose),
	LATERAL (VALUES ('boarding area', boarding_area), ('purpose', coalesce(p.name, 'other')),
		('airline', CASE WHEN airline_answers > 60 THEN airline ELSE 'all smaller ones' END)) AS g (dimension, member);

\echo 'NPS of each group, plain and weighted, each with its 95 % interval'
\echo ==================================================================
SELECT dimension, member, (e).responses AS answers,
	round((e).value) AS nps, format('%s .. %s', round((e).lower), round((e).upper)) AS "interval",
	round((w).value) AS weighted, format('%s .. %s', round((w).lower), round((w).upper)) AS "interval "
FROM (SELECT dimension, member, cx.nps_estimate(cx.tally(nps)) AS e, cx.weighted_nps(nps, weight) AS w
	FROM grouped GROUP BY dimension, member) AS scores
ORDER BY dimension, (e).value DESC;

\echo 'What differs?  Each group against all other travellers, false discoveries held below 5 %'
\echo ========================================================================================
SELECT dimension, member, round((c).difference) + 0 AS difference,
	format('%s .. %s', round((c).lower) + 0, round((c).upper) + 0) AS "interval", CASE WHEN (c).p_value < 0.0001 THEN '< 0.0001' ELSE to_char((c).p_value, 'FM0.0000') END AS p,
	CASE WHEN q < 0.0001 THEN '< 0.0001' ELSE to_char(q, 'FM0.0000') END AS q,
	CASE WHEN q >= 0.05 THEN '' WHEN (c).difference > 0 THEN '▲ better' ELSE '▼ worse' END AS verdict
FROM (SELECT dimension, member, c, cx.fdr((c).p_value) OVER () AS q
	FROM (SELECT dimension, member, cx.nps_change(total OPERATOR(cx.-) part, part) AS c
		FROM (SELECT dimension, member, cx.tally(nps) AS part FROM grouped GROUP BY dimension, member) AS parts
		JOIN (SELECT dimension, cx.tally(nps) AS total FROM grouped GROUP BY dimension) AS totals USING (dimension)) AS changes) AS adjusted
ORDER BY q, dimension, member;
