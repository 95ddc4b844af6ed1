-- The second half of the demo: the operator's CX program
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset linestyle unicode
\pset border 1
\pset null '-'

\echo
\echo The program: tables of the operator, attached where they are
\echo ============================================================
SELECT source, kind, relation, how, source_rows AS "rows there", captured_rows AS "rows here", difference
FROM cx_data.source_status
ORDER BY kind DESC, source;

\echo How are the journeys?  Stage scores of the last 28 full days, 0-100, and the emotion curve from -2 to +2
\echo ========================================================================================================
SELECT journey_name AS journey, stage_name AS stage, round(value) AS score, format('%s .. %s', round(lower), round(upper)) AS "interval",
	repeat(' ', round(10 + 5 * emotion)::integer) || '●' AS "-2        0        +2", worst_touchpoint AS "worst touchpoint", responses AS answers
FROM cx_data.stage_score
ORDER BY journey_id, stage_position;
SELECT journey_name AS journey, round(value) AS score, format('%s .. %s', round(lower), round(upper)) AS "interval", worst_stage AS "worst stage"
FROM cx_data.journey_score
ORDER BY journey_id;

\echo Which touchpoints changed?  28 days against the 28 before, false discoveries held below 5 %
\echo ===========================================================================================
SELECT touchpoint_name AS touchpoint, metric, round(value) AS score, to_char(change, 'S990') AS change,
	CASE WHEN q_value < 0.001 THEN '< 0.001' ELSE to_char(q_value, 'FM0.000') END AS "q (FDR)", verdict, responses AS answers
FROM cx_data.touchpoint_score
ORDER BY q_value, touchpoint;

\echo Who is unhappy?  One customer in one row ...
\echo ============================================
SELECT name, segment, org_unit_name AS region, tags, last_nps_score AS "last NPS", last_csat_score AS "last CSAT",
	round(feedback_trend) AS trend, problem_touchpoints AS problems
FROM cx_data.customer_profile
WHERE code = 'C022097';

\echo ... and what happened, in order
\echo ===============================
SELECT to_char(happened_at, 'YYYY-MM-DD HH24:MI') AS at, what, name, touchpoint, metric, score, round(value) AS value, left(detail, 60) AS detail
FROM cx.customer_timeline('C022097')
WHERE happened_at >= '2026-04-01'
ORDER BY happened_at;

\echo An answer arrives: the scores know it in the same transaction (rolled back)
\echo ==========================================================================
BEGIN;
SELECT cx.responses(tally) AS answers, tally FROM cx_data.tally_live_daily JOIN cx_data.touchpoint USING (touchpoint_id)
WHERE code = 'app' AND org_unit_id = 2 AND day = '2026-06-30';
INSERT INTO telecom.nps_answer (customer_id, touchpoint, channel, score, comment, responded_at)
SELECT customer_id, 'app', 'sms', 0, 'cannot pay', '2026-06-30 12:00+02' FROM telecom.customer WHERE region_id = 1 ORDER BY customer_id LIMIT 3;
SELECT cx.responses(tally) AS answers, tally FROM cx_data.tally_live_daily JOIN cx_data.touchpoint USING (touchpoint_id)
WHERE code = 'app' AND org_unit_id = 2 AND day = '2026-06-30';
ROLLBACK;
