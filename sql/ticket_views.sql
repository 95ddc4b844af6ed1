-- Views of what became of tickets, by hand and against plain SQL
\set VERBOSITY terse
SET client_min_messages = warning;
-- without JIT compilation, of which a server that is set to use it for all queries does one for each of many small ones; ticket_alert runs with it
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET extra_float_digits = 0;
CALL cx.create_program('UTC');
INSERT INTO cx_data.org_unit (org_unit_id, code) VALUES (1, 'east'), (2, 'west');
INSERT INTO cx_data.staff (staff_id, code, org_unit_id) VALUES (1, 'ann', 1), (2, 'bob', 1), (3, 'cas', 2);
INSERT INTO cx_data.touchpoint (touchpoint_id, code) VALUES (1, 'app'), (2, 'desk');
INSERT INTO cx_data.customer (customer_id, code, segment) SELECT i, 'c' || i, CASE WHEN i % 2 = 0 THEN 'business' ELSE 'consumer' END FROM generate_series(1, 40) AS i;
SELECT * FROM cx_data.time_to_resolve;
SELECT * FROM cx_data.first_contact_resolution;
SELECT * FROM cx_data.loop_closed;
SELECT * FROM cx_data.root_cause_pareto;
SELECT * FROM cx_data.agent_scorecard;
SELECT * FROM cx_data.ticket_overdue;

-- by hand: 4 hours ours, 24 waiting for the customer, 2 for others; then reopened for 1 hour
SELECT cx.open_ticket('one', customer => 'c1', touchpoint => 'app', org_unit => 'east', at => '2025-01-06 08:00') AS t \gset
SELECT cx.assign_ticket(:t, 'ann', at => '2025-01-06 08:00'), cx.move_ticket(:t, 'pending', at => '2025-01-06 11:00'), cx.move_ticket(:t, 'on_hold', at => '2025-01-07 11:00'), cx.move_ticket(:t, 'open', at => '2025-01-07 13:00'),
	cx.move_ticket(:t, 'solved', root_cause => 'process', action_taken => 'x', at => '2025-01-07 14:00'), cx.reopen(:t, at => '2025-01-08 14:00'), cx.move_ticket(:t, 'solved', at => '2025-01-08 15:00') \g /dev/null
SELECT cx.open_ticket('two', customer => 'c2', touchpoint => 'app', org_unit => 'east', at => '2025-01-10 08:00') AS t \gset
SELECT cx.reply_ticket(:t, 'done', at => '2025-01-10 08:30'), cx.assign_ticket(:t, 'bob', at => '2025-01-10 08:30'), cx.move_ticket(:t, 'solved', root_cause => 'people', action_taken => 'x', at => '2025-01-10 09:00') \g /dev/null
SELECT cx.open_ticket('three', customer => 'c3', touchpoint => 'app', org_unit => 'east', at => '2025-01-20 08:00') \g /dev/null
SELECT cx.open_ticket('four', org_unit => 'west', at => '2025-02-03 08:00') AS t \gset
SELECT cx.move_ticket(:t, 'solved', root_cause => 'process', action_taken => 'x', at => '2025-02-03 18:00') \g /dev/null
SET cx.as_of = '2025-02-05';
SELECT ticket_id, cohort, total_seconds / 3600 AS total, ours_seconds / 3600 AS ours, waiting_customer_seconds / 3600 AS customer, waiting_others_seconds / 3600 AS others, replies, handovers, first_contact_resolved FROM cx_data.ticket_outcome ORDER BY ticket_id;
SELECT org_unit, cohort, tickets, solved, round(open_share::numeric, 2) AS open_share, median_seconds / 3600 AS median, p90_seconds / 3600 AS p90, ours_median_seconds / 3600 AS ours, waiting_customer_median_seconds / 3600 AS customer, waiting_customer_p90_seconds / 3600 AS customer_p90, waiting_others_median_seconds / 3600 AS others FROM cx_data.time_to_resolve;

-- first contact: one reply, by one person, never waiting, split, passed on or reopened, and nothing of the customer there within 7 days
CREATE FUNCTION pg_temp.solved(label text, touchpoint text, customer text, replies integer DEFAULT 1, agents text[] DEFAULT '{ann}', waits boolean DEFAULT false, splits boolean DEFAULT false) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	key bigint := cx.open_ticket(label, customer => solved.customer, touchpoint => solved.touchpoint, org_unit => 'west', at => '2025-03-03 08:00');
	agent text;
BEGIN
	FOREACH agent IN ARRAY agents LOOP PERFORM cx.assign_ticket(key, agent, at => '2025-03-03 08:10'); END LOOP;
	PERFORM cx.reply_ticket(key, 'an automatic one', true, at => '2025-03-03 08:15');
	FOR i IN 1..replies LOOP PERFORM cx.reply_ticket(key, 'x', at => '2025-03-03 08:20'); END LOOP;
	IF waits THEN PERFORM cx.move_ticket(key, 'pending', at => '2025-03-03 08:30'); END IF;
	IF splits THEN PERFORM cx.move_task(cx.decompose_ticket(key, '[{"unit": "east", "subject": "x"}]', at => '2025-03-03 08:30'), 'done', at => '2025-03-03 08:40'); END IF;
	PERFORM cx.move_ticket(key, 'solved', root_cause => 'system', action_taken => 'x', at => '2025-03-03 09:00');
	RETURN key;
END $$;
SELECT pg_temp.solved('good', 'desk', 'c10'), pg_temp.solved('no reply', 'desk', 'c11', 0), pg_temp.solved('two replies', 'desk', 'c12', 2), pg_temp.solved('passed on', 'desk', 'c13', 1, '{ann,bob}'), pg_temp.solved('to the same', 'desk', 'c22', 1, '{ann,ann}'), pg_temp.solved('waits', 'desk', 'c14', waits => true),
	pg_temp.solved('split', 'desk', 'c15', splits => true), pg_temp.solved('called again', 'desk', 'c16'), pg_temp.solved('elsewhere', 'desk', 'c17'), pg_temp.solved('later', 'desk', 'c18'), pg_temp.solved('answered', 'desk', 'c19'), pg_temp.solved('complained', 'desk', 'c20'), pg_temp.solved('other ticket', 'desk', 'c21') \g /dev/null
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at) VALUES (16, 2, 'call', '2025-03-10 09:00'), (17, 1, 'call', '2025-03-04'), (18, 2, 'call', '2025-03-10 09:00:01');
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, kind, metric, score, responded_at) VALUES (19, 2, 'survey', 'csat', 5, '2025-03-04'), (20, 2, 'complaint', NULL, NULL, '2025-03-04');
SELECT cx.open_ticket('again', customer => 'c21', touchpoint => 'desk', org_unit => 'east', at => '2025-03-05') \g /dev/null
SET cx.as_of = '2025-03-10 08:59:59';
SELECT count(*) FROM cx_data.first_contact_resolution WHERE touchpoint = 'desk';
SET cx.as_of = '2025-03-10 09:00';
SELECT cx.ticket_subject(ticket_id) AS subject, first_contact_resolved FROM cx_data.ticket_outcome WHERE touchpoint_id = 2 ORDER BY ticket_id;
SELECT org_unit, touchpoint, solved_month, tickets, first_contact_resolved, round(share::numeric, 3) AS share, round(lower::numeric, 3) AS lower, round(upper::numeric, 3) AS upper FROM cx_data.first_contact_resolution;

-- root causes, with those that are part of others
INSERT INTO cx_data.root_cause (code, name, parent_id, owner_unit_id) SELECT 'login', 'Login fails', root_cause_id, 1 FROM cx_data.root_cause WHERE code = 'system';
UPDATE cx_data.ticket SET root_cause = 'login' WHERE ticket_id % 3 = 0 AND root_cause IS NOT NULL;
UPDATE cx_data.ticket SET root_cause = 'gone' WHERE subject = 'four';
SELECT root_cause, part_of, owner_unit, tickets, tickets_with_parts, round(share::numeric, 2) AS share, round(cumulative_share::numeric, 2) AS cumulative, round(reopened_share::numeric, 2) AS reopened, seconds / 3600 AS hours FROM cx_data.root_cause_pareto;

-- two agents who are equally good, with other customers: business customers are harder to please (40 % against 80 %)
TRUNCATE cx_data.feedback;
DELETE FROM cx_data.ticket;
SET cx.as_of = '2025-06-20';
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, staff_id, metric, score, responded_at)
SELECT CASE WHEN is_business THEN 2 ELSE 1 END, 1, agent, 'csat', CASE WHEN i % 10 < CASE WHEN is_business THEN 4 ELSE 8 END THEN 5 ELSE 2 END, '2025-06-10'
FROM (VALUES (1, true, 100), (1, false, 50), (2, true, 50), (2, false, 200), (3, false, 20)) AS a (agent, is_business, n) CROSS JOIN LATERAL generate_series(0, n - 1) AS i;
SELECT period, staff, responses, csat, expected, abs(difference) < 1e-9 AS is_equal, lower < 0 AND upper > 0 AS covers_nought, abs(shrunk_difference) < 1e-9 AS is_shrunk, q_value, rank FROM cx_data.agent_scorecard;
-- against plain SQL on random answers with agents who differ: differences, intervals, q values, shrinkage
TRUNCATE cx_data.feedback;
INSERT INTO cx_data.staff (staff_id, code) SELECT i, 's' || i FROM generate_series(11, 20) AS i;
INSERT INTO cx_data.feedback (customer_id, touchpoint_id, staff_id, metric, score, responded_at, feedback_id)
SELECT 1 + h % 40, 1 + h / 64 % 2, 11 + h / 128 % 10, 'csat', 1 + (h / 2048 + h / 128 % 10 * (h / 32768 % 3)) % 5, '2025-06-02'::timestamptz + (h / 131072 % 17) * interval '1 day', 1000 + i
FROM (SELECT i, ('x' || substr(md5(i::text), 1, 7))::bit(28)::integer AS h FROM generate_series(1, 3000) AS i) AS r;
DELETE FROM cx_data.feedback WHERE staff_id = 20 AND feedback_id % 40 <> 0;
INSERT INTO cx_data.ticket (feedback_id, root_cause, staff_id, followup_metric, followup_score, followup_at) SELECT feedback_id, CASE feedback_id % 3 WHEN 0 THEN 'system' WHEN 1 THEN 'people' END, staff_id, 'csat', 1 + feedback_id % 5, '2025-06-15' FROM cx_data.feedback WHERE feedback_id % 7 = 0;
CREATE TEMPORARY VIEW answers AS
	SELECT f.staff_id, concat(f.touchpoint_id, '/', c.segment, '/', (SELECT t.root_cause FROM cx_data.ticket AS t WHERE t.feedback_id = f.feedback_id)) AS mix, (f.score >= 4)::int AS good FROM cx_data.feedback AS f JOIN cx_data.customer AS c USING (customer_id)
	UNION ALL SELECT t.staff_id, concat('//', t.root_cause), (t.followup_score >= 4)::int FROM cx_data.ticket AS t;
CREATE TEMPORARY TABLE plain AS
	SELECT a.staff_id, count(*) AS n, 100 * avg(a.good) AS csat, 100 * avg(r.rate) AS expected,
		(SELECT 100 * sqrt(sum(s.n * (1 - s.n / s.team) * s.rate * (1 - s.rate))) / sum(s.n) FROM (SELECT count(*)::float8 AS n, (SELECT count(*) FROM answers AS t WHERE t.mix = o.mix)::float8 AS team, (SELECT avg(good) FROM answers AS t WHERE t.mix = o.mix)::float8 AS rate FROM answers AS o WHERE o.staff_id = a.staff_id GROUP BY o.mix) AS s) AS se
	FROM answers AS a JOIN (SELECT mix, avg(good)::float8 AS rate FROM answers GROUP BY mix) AS r USING (mix) GROUP BY a.staff_id;
SELECT count(*) AS agents, count(*) FILTER (WHERE c.responses = p.n AND abs(c.csat - p.csat::float8) < 1e-9 AND abs(c.expected - p.expected) < 1e-9 AND abs(c.lower - (c.difference - 1.959963984540054 * p.se)) < 1e-9 AND abs(c.upper - (c.difference + 1.959963984540054 * p.se)) < 1e-9) AS agree
FROM cx_data.agent_scorecard AS c JOIN cx_data.staff AS s ON s.code = c.staff JOIN plain AS p USING (staff_id);
WITH k AS (SELECT count(*) AS k, sum(w) AS w1, sum(w * w) AS w2, sum(w * d) / sum(w) AS m FROM (SELECT se ^ (-2) AS w, csat::float8 - expected AS d FROM plain) AS x),
t AS (SELECT greatest(0, (sum(p.se ^ (-2) * (p.csat::float8 - p.expected - k.m) ^ 2) - (k.k - 1)) / (k.w1 - k.w2 / k.w1)) AS tau2 FROM plain AS p, k GROUP BY k.k, k.w1, k.w2)
SELECT count(*) AS agents, bool_and(tau2 > 0) AS they_differ, count(*) FILTER (WHERE abs(c.shrunk_difference - c.difference * tau2 / (tau2 + p.se ^ 2)) < 1e-9) AS agree FROM t, cx_data.agent_scorecard AS c JOIN cx_data.staff AS s ON s.code = c.staff JOIN plain AS p USING (staff_id);
SELECT staff, responses >= 30 AS enough, q_value IS NOT NULL AS tested, rank IS NOT NULL AS ranked FROM cx_data.agent_scorecard WHERE staff IN ('s19', 's20');
SELECT bool_and(rank = r) AS ranked_by_it FROM (SELECT rank, row_number() OVER (ORDER BY shrunk_difference DESC) AS r FROM cx_data.agent_scorecard WHERE rank IS NOT NULL) AS x;
-- handling, beside it
DELETE FROM cx_data.ticket;
SELECT cx.open_ticket('five', org_unit => 'east', staff => 'ann', at => '2025-05-06 08:00') AS t \gset
SELECT cx.move_ticket(:t, 'solved', root_cause => 'process', action_taken => 'x', at => '2025-05-06 10:00') \g /dev/null
SELECT cx.open_ticket('six', org_unit => 'east', staff => 'ann', at => '2025-05-06 08:00') AS t \gset
SELECT cx.move_ticket(:t, 'solved', root_cause => 'process', action_taken => 'x', at => '2025-05-06 12:00'), cx.reopen(:t, at => '2025-05-07 08:00'), cx.move_ticket(:t, 'solved', at => '2025-05-07 10:00') \g /dev/null
SELECT period, staff, responses, csat, rank, handled, reopened_share, first_contact_share, median_handling_seconds / 3600 AS median_hours FROM cx_data.agent_scorecard WHERE handled > 0;
DROP VIEW answers;
RESET cx.as_of;
CALL cx.drop_program(true);
DROP EXTENSION cx;
