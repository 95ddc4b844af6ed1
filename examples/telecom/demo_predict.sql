-- The fifth part of the demo: what drives satisfaction, who stays, who will leave and why
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'
SET client_min_messages = warning;

\echo
\echo 'What drives satisfaction with support?  Shares of what the drivers explain together'
\echo ===================================================================================
SELECT driver, round(share) || ' %' AS share, repeat('█', round(share / 2)::integer) AS importance,
	CASE WHEN p_value < 0.001 THEN '< 0.001' ELSE to_char(p_value, 'FM0.000') END AS p
FROM cx.driver_analysis($$SELECT a.score, ln(1 + extract(epoch FROM first_response_at - opened_at) / 3600)::float8 AS "hours waited", reopened AS "came back", t.channel, topic, segment, language
	FROM telecom.csat_answer AS a JOIN telecom.support_ticket AS t USING (ticket_id) JOIN telecom.customer AS c ON c.customer_id = t.customer_id$$, 'score');

\echo 'Who stays?  Customers of the New Year after 180 days, by region'
\echo ===============================================================
SELECT region, round((stay).value::numeric * 100, 1) || ' %' AS stay, format('%s .. %s', round((stay).lower::numeric * 100, 1), round((stay).upper::numeric * 100, 1)) AS "interval"
FROM (SELECT r.name AS region, cx.survival_at(cx.kaplan_meier(coalesce(left_on, '2026-07-01') - date '2026-01-01', left_on IS NOT NULL), 180) AS stay
	FROM telecom.customer JOIN telecom.region AS r USING (region_id) WHERE joined_on < '2026-01-01' GROUP BY r.name) AS regions
ORDER BY (stay).value;

\echo 'Who will leave?  A model learns from what was known on 1 January who had left by the end of June'
\echo ===============================================================================================
SELECT model, row_count AS customers, event_count AS left, round(auc::numeric, 2) AS "AUC of those held out"
FROM cx.train('leaving', $$SELECT * FROM telecom.customer_on('2026-01-01')$$, 'left_within_6_months', key => 'customer_id');
SELECT measure AS "what it goes by", repeat('█', round(value * 100)::integer) AS importance FROM cx.model_report('leaving') WHERE section = 'importance' LIMIT 6;
SELECT c.customer_id AS customer, round(100 * risk::numeric) || ' %' AS risk, c.plan, string_agg(format('%s = %s', e.feature, e.value), ', ' ORDER BY e.contribution DESC) AS because
FROM (SELECT c, (c).*, cx.churn_risk('leaving', c) AS risk FROM telecom.customer_on('2026-07-01') AS c ORDER BY risk DESC LIMIT 5) AS c,
	LATERAL (SELECT * FROM cx.explain('leaving', c.c) WHERE feature <> '(base)' LIMIT 3) AS e
GROUP BY c.customer_id, risk, c.plan
ORDER BY risk DESC, customer;
