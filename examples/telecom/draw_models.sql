-- Pictures of who stays, what drives satisfaction and how well a model tells who leaves
\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;

\o ../../pictures/survival.svg
SELECT cx.survival_svg($$
	SELECT coalesce(left_on, '2026-07-01') - date '2026-01-01' AS duration, left_on IS NOT NULL AS ended, r.name AS breakdown
	FROM telecom.customer JOIN telecom.region AS r USING (region_id) WHERE joined_on < '2026-01-01'$$, 'days', 'Customers of the New Year');

\o ../../pictures/drivers.svg
SELECT cx.importance_performance_svg($$
	SELECT a.score, first_response_at - opened_at < interval '15 minutes' AS "answer within 15 minutes", first_response_at - opened_at < interval '8 hours' AS "answer within 8 hours",
		NOT reopened AS "solved at once", t.channel = 'phone' AS "by phone", t.channel = 'chat' AS "by chat"
	FROM telecom.csat_answer AS a JOIN telecom.support_ticket AS t USING (ticket_id)$$, 'score', title => 'What drives satisfaction with support');

-- the model is not kept
BEGIN;
\o /dev/null
SELECT * FROM cx.train('leaving', $$SELECT * FROM telecom.customer_on('2026-01-01')$$, 'left_within_6_months', key => 'customer_id');
\o ../../pictures/lift.svg
SELECT cx.lift_svg(report, 'Who leaves within six months?') FROM cx_data.model WHERE name = 'leaving' AND champion;
\o
ROLLBACK;
