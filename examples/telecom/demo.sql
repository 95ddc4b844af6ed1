\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'

\echo
\echo The operator
\echo ============
SELECT (SELECT count(*) FROM telecom.customer) AS customers,
	(SELECT count(*) FROM telecom.nps_answer) AS "NPS answers",
	(SELECT count(*) FROM telecom.csat_answer) AS "CSAT answers",
	(SELECT count(*) FROM telecom.effort_answer) AS "effort answers",
	(SELECT count(*) FROM telecom.support_ticket) AS tickets,
	(SELECT count(*) FROM telecom.incident) AS incidents;

\echo Where do we lose people?  NPS by touchpoint, June 2026, with 95 % intervals
\echo ==========================================================================
SELECT touchpoint, round((e).value) AS nps, format('%s .. %s', round((e).lower), round((e).upper)) AS "interval",
	(e).responses AS answers, repeat('█', greatest(round((e).value / 2)::int, 0)) || repeat('░', greatest(round(-(e).value / 2)::int, 0)) AS "(░ is below zero)"
FROM (SELECT touchpoint, cx.nps_estimate(cx.tally(score)) AS e
	FROM telecom.nps_answer
	WHERE responded_at >= telecom.today() - interval '1 month'
	GROUP BY touchpoint) AS scores
ORDER BY (e).value;

\echo What changed?  June against May, and whether it is more than chance
\echo ==================================================================
SELECT touchpoint, round(cx.nps_of(may)) AS may, round(cx.nps_of(june)) AS june, round((c).difference) AS change,
	format('%s .. %s', round((c).lower), round((c).upper)) AS "interval", CASE WHEN q < 0.001 THEN '< 0.001' ELSE to_char(q, 'FM0.000') END AS "q (FDR)",
	CASE WHEN q >= 0.05 THEN 'no clear change' WHEN (c).difference < 0 THEN '▼ worse' ELSE '▲ better' END AS verdict
FROM (SELECT touchpoint, may, june, cx.nps_change(may, june) AS c,
		cx.fdr((cx.nps_change(may, june)).p_value) OVER () AS q
	FROM (SELECT touchpoint,
			cx.tally(score) FILTER (WHERE responded_at < '2026-06-01') AS may,
			cx.tally(score) FILTER (WHERE responded_at >= '2026-06-01') AS june
		FROM telecom.nps_answer
		WHERE responded_at >= '2026-05-01'
		GROUP BY touchpoint) AS months) AS changes
ORDER BY (c).difference;

\echo Which region suffers?  NPS of the network by quarter and region
\echo ==============================================================
SELECT r.name AS region,
	round(cx.nps(score) FILTER (WHERE responded_at < '2025-10-01')) AS "2025 Q3",
	round(cx.nps(score) FILTER (WHERE responded_at >= '2025-10-01' AND responded_at < '2026-01-01')) AS "Q4",
	round(cx.nps(score) FILTER (WHERE responded_at >= '2026-01-01' AND responded_at < '2026-04-01')) AS "2026 Q1",
	round(cx.nps(score) FILTER (WHERE responded_at >= '2026-04-01')) AS "Q2",
	count(score) AS answers
FROM telecom.nps_answer
JOIN telecom.customer USING (customer_id)
JOIN telecom.region AS r USING (region_id)
WHERE touchpoint = 'network'
GROUP BY r.name
ORDER BY "Q2";

\echo Both channels rose, the total fell: how much of it is only the mix?  Before and since April
\echo ==========================================================================================
WITH channels AS (
	SELECT channel,
		cx.tally(score) FILTER (WHERE responded_at < '2026-04-01') AS before,
		cx.tally(score) FILTER (WHERE responded_at >= '2026-04-01') AS since
	FROM telecom.nps_answer
	WHERE responded_at >= '2026-01-01' AND responded_at < '2026-06-01'
	GROUP BY channel
)
SELECT channel, round(cx.nps_of(before)) AS before, round(cx.nps_of(since)) AS since,
	to_char(cx.nps_of(since) - cx.nps_of(before), 'S990.0') AS change
FROM channels
UNION ALL
SELECT * FROM (
	SELECT 'total: ' || to_char((m).within, 'S990.0') || ' within, ' || to_char((m).mix, 'S990.0') || ' mix',
		round(cx.nps_of(before)), round(cx.nps_of(since)), to_char((m).difference, 'S990.0')
	FROM (SELECT cx.nps_mix_change(before, since) AS m, cx.tally(before) AS before, cx.tally(since) AS since FROM channels) AS total) AS total;

\echo Does a fast answer pay?  CSAT after support tickets by time to the first response
\echo ================================================================================
SELECT waited, round((e).value) || ' %' AS csat, format('%s .. %s', round((e).lower), round((e).upper)) AS "interval", (e).responses AS answers
FROM (SELECT CASE WHEN wait < interval '15 minutes' THEN 'under 15 minutes' WHEN wait < interval '1 hour' THEN 'under 1 hour'
			WHEN wait < interval '8 hours' THEN 'under 8 hours' ELSE 'longer' END AS waited,
		cx.csat_estimate(cx.tally(score)) AS e, min(wait) AS shortest
	FROM (SELECT score, first_response_at - opened_at AS wait
		FROM telecom.csat_answer JOIN telecom.support_ticket USING (ticket_id)) AS answers
	GROUP BY waited) AS scores
ORDER BY shortest;

\echo Where is it hard?  Customer Effort Score (1-7, 7 is easiest), May and June
\echo =========================================================================
SELECT task, channel,
	round(cx.ces(score) FILTER (WHERE responded_at < '2026-06-01')::numeric, 2) AS may,
	round(cx.ces(score) FILTER (WHERE responded_at >= '2026-06-01')::numeric, 2) AS june,
	count(score) AS answers
FROM telecom.effort_answer
WHERE responded_at >= '2026-05-01'
GROUP BY task, channel
ORDER BY june
LIMIT 5;

\echo Where do orders get lost?  Steps within 14 days, by channel: of those who took the step before, how many go on
\echo ===========================================================================================================
SELECT step, max(going_on) FILTER (WHERE breakdown = 'store') AS store, max(going_on) FILTER (WHERE breakdown = 'web') AS web,
	max(going_on) FILTER (WHERE breakdown = 'app') AS app, repeat('█', round(min(from_previous) / 4)::int) AS "worst channel"
FROM (SELECT *, round(from_previous) || ' %' AS going_on
	FROM cx.funnel('SELECT customer_id AS customer, at, step, channel AS breakdown FROM telecom.order_step',
		'{plans seen,plan chosen,identity checked,paid,activated,first use}', '14 days', telecom.today())) AS funnel
WHERE step_number > 1
GROUP BY step_number, step
ORDER BY step_number;

\echo Rolling 30-day NPS of the app, at the end of each week
\echo ======================================================
SELECT day::date AS until, round(nps) AS nps, answers,
	repeat(' ', least(greatest(round((nps + 40) / 1.5)::int, 0), 60)) || '●' AS "-40 to 50"
FROM (SELECT day, cx.nps(day_tally) OVER month AS nps, cx.responses(cx.tally(day_tally) OVER month) AS answers
	FROM (SELECT cx.bucket('day', responded_at) AS day, cx.tally(score) AS day_tally
		FROM telecom.nps_answer WHERE touchpoint = 'app' GROUP BY 1) AS days
	WINDOW month AS (ORDER BY day RANGE BETWEEN interval '29 days' PRECEDING AND CURRENT ROW)) AS rolling
WHERE extract(isodow FROM day) = 7 AND day >= '2026-03-01'
ORDER BY day;
