-- What the clocks of tickets show is what a minute-by-minute definition says, whatever happens to the tickets.
BEGIN;
SET client_min_messages = warning;
SET jit = off;
SET timezone = 'UTC';
SELECT plan(12);
SELECT setseed(0.6);
CALL cx.create_program('Europe/Berlin');
INSERT INTO cx_data.calendar (code, time_zone) VALUES ('office', 'Europe/Berlin');
INSERT INTO cx_data.calendar_hours (calendar, weekday, opens_at, closes_at)
SELECT 'office', day, o::time, c::time FROM generate_series(1, 5) AS day, (VALUES ('09:00', '12:30'), ('13:15', '17:00')) AS h (o, c);
INSERT INTO cx_data.calendar_exception (calendar, day, opens_at, closes_at) VALUES ('office', '2025-03-28', NULL, NULL), ('office', '2025-03-29', '10:00', '12:00');
INSERT INTO cx_data.org_unit (code, calendar) VALUES ('desk', 'office'), ('night', NULL);
SELECT cx.set_sla_policy('test', first_response_within => '3 hours', resolve_within => '9 hours');

-- 36 tickets around the day on which clocks go forward, with random moves at whole minutes
CREATE FUNCTION pg_temp.live(i integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	at timestamptz := timestamptz '2025-03-24 06:00Z' + floor(random() * 6 * 1440) * interval '1 minute';
	key bigint := cx.open_ticket('ticket ' || i, org_unit => CASE WHEN i % 4 = 0 THEN 'night' ELSE 'desk' END, sla => 'test', at => at);
	status text;
BEGIN
	FOR n IN 1..floor(random() * 7) LOOP
		at := at + floor(random() ^ 2 * 2000) * interval '1 minute';
		status := (SELECT t.status FROM cx_data.ticket AS t WHERE t.ticket_id = key);
		IF random() < 0.25 THEN
			PERFORM cx.reply_ticket(key, 'x', random() < 0.4, at);
		ELSIF status = 'closed' THEN
			PERFORM cx.reopen(key, at => at);
		ELSE
			PERFORM cx.move_ticket(key, (SELECT s FROM unnest(cx.next_statuses(status)) AS s ORDER BY random() LIMIT 1), root_cause => 'other', action_taken => 'x', at => at);
		END IF;
	END LOOP;
	RETURN key;
END $$;
SELECT count(pg_temp.live(i)) AS tickets FROM generate_series(1, 36) AS i;

-- the state of each ticket in each minute, and whether its calendar is open then
CREATE TEMP TABLE minute AS
SELECT t.ticket_id, m AS starts, s.status,
	t.calendar IS NULL OR (l.local::date <> '2025-03-28' AND extract(isodow FROM l.local) < 6 AND (l.local::time >= '09:00' AND l.local::time < '12:30' OR l.local::time >= '13:15' AND l.local::time < '17:00'))
		OR (l.local::date = '2025-03-29' AND l.local::time >= '10:00' AND l.local::time < '12:00') AS is_open
FROM cx_data.ticket AS t
JOIN (SELECT ticket_id, status, occurred_at AS starts, lead(occurred_at, 1, '2025-04-12 00:00Z') OVER (PARTITION BY ticket_id ORDER BY ticket_event_id) AS ends FROM cx_data.ticket_event WHERE status IS NOT NULL) AS s USING (ticket_id)
CROSS JOIN LATERAL generate_series(s.starts, s.ends - interval '1 minute', interval '1 minute') AS m CROSS JOIN LATERAL (SELECT m AT TIME ZONE 'Europe/Berlin' AS local) AS l;
CREATE INDEX ON minute (ticket_id, starts);
ANALYZE minute;
CREATE TEMP TABLE plain AS
SELECT t.ticket_id,
	(SELECT m.starts FROM minute AS m WHERE m.ticket_id = t.ticket_id AND m.is_open ORDER BY m.starts OFFSET 179 LIMIT 1) + interval '1 minute' AS first_response_due_at,
	(SELECT m.starts FROM minute AS m WHERE m.ticket_id = t.ticket_id AND m.is_open AND m.status IN ('new', 'open') ORDER BY m.starts OFFSET 539 LIMIT 1) + interval '1 minute' AS resolution_due_at,
	(SELECT min(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND (e.kind = 'reply' AND NOT e.automatic OR e.status = 'solved')) AS first_responded_at,
	(SELECT max(e.occurred_at) FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.status = 'solved') AS last_solved_at
FROM cx_data.ticket AS t;

SELECT cmp_ok((SELECT count(DISTINCT status) FROM cx_data.ticket)::integer, '=', 6, 'the tickets end in all states');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket JOIN plain AS p USING (ticket_id) WHERE ticket.first_response_due_at <> p.first_response_due_at$$, 'the first response is due after 180 open minutes, in whatever state the ticket is');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket AS t JOIN plain AS p USING (ticket_id) WHERE t.status IN ('new', 'open') AND t.resolution_due_at IS DISTINCT FROM p.resolution_due_at$$, 'the solution of a running ticket is due after 540 open minutes in which it was new or open');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket AS t JOIN plain AS p USING (ticket_id) WHERE t.status IN ('pending', 'on_hold') AND t.resolution_due_at IS DISTINCT FROM p.resolution_due_at$$, 'a waiting ticket has no deadline for the solution, unless it was over before');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket AS t JOIN plain AS p USING (ticket_id) WHERE t.status IN ('solved', 'closed') AND (t.solved_at > t.resolution_due_at) <> (p.resolution_due_at IS NOT NULL AND p.resolution_due_at < t.solved_at)$$, 'a solved ticket missed its deadline just if 540 such minutes went by');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket AS t JOIN plain AS p USING (ticket_id) WHERE t.first_responded_at IS DISTINCT FROM p.first_responded_at$$, 'the first response is the first reply that is not automatic, else the solution');
SELECT is_empty($$SELECT ticket_id FROM cx_data.ticket WHERE first_response_due_at < opened_at OR resolution_due_at < opened_at$$, 'no deadline is before its ticket');
SELECT is_empty($$SELECT t.ticket_id FROM cx_data.ticket AS t WHERE t.status <> (SELECT e.status FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.status IS NOT NULL ORDER BY e.ticket_event_id DESC LIMIT 1)
	OR t.reopen_count <> (SELECT count(*) FROM (SELECT e.status, lag(e.status) OVER (ORDER BY e.ticket_event_id) AS was FROM cx_data.ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.status IS NOT NULL) AS x WHERE was IN ('solved', 'closed') AND status = 'open')$$, 'status and reopen count are those of the history');
SELECT is_empty($$SELECT ticket_event_id FROM (SELECT ticket_event_id, occurred_at < lag(occurred_at) OVER (PARTITION BY ticket_id ORDER BY ticket_event_id) AS is_back FROM cx_data.ticket_event) AS e WHERE is_back$$, 'histories run forwards');
SET LOCAL cx.as_of = '2025-04-10 00:00Z';
SELECT is_empty($$SELECT o.ticket_id FROM cx_data.ticket_outcome AS o JOIN (
		SELECT ticket_id, 60.0 * count(*) FILTER (WHERE status IN ('new', 'open')) AS ours, 60.0 * count(*) FILTER (WHERE status = 'pending') AS customer, 60.0 * count(*) FILTER (WHERE status = 'on_hold') AS others
		FROM minute WHERE starts < '2025-04-10 00:00Z' GROUP BY ticket_id) AS p USING (ticket_id)
	WHERE (o.ours_seconds, o.waiting_customer_seconds, o.waiting_others_seconds) <> (p.ours, p.customer, p.others)$$, 'the minutes that it was up to us, the customer or others are those of the definition');
SELECT is_empty($$SELECT d.ticket_id FROM cx_data.ticket_detail AS d JOIN plain AS p USING (ticket_id)
	WHERE d.sla_status <> CASE WHEN coalesce(p.first_responded_at, '2025-04-10 00:00Z') > p.first_response_due_at OR coalesce(d.solved_at, '2025-04-10 00:00Z') > p.resolution_due_at THEN 'missed' WHEN d.status IN ('solved', 'closed') THEN 'met'
		WHEN d.status IN ('pending', 'on_hold') AND p.first_responded_at IS NOT NULL THEN 'paused' ELSE 'active' END$$, 'the status of the service level is that of the definition');
SELECT is((SELECT count(*) FROM cx_data.ticket_overdue), (SELECT count(*) FROM cx_data.ticket AS t JOIN plain AS p USING (ticket_id) WHERE t.status NOT IN ('solved', 'closed')
	AND (p.first_responded_at IS NULL AND p.first_response_due_at < '2025-04-10 00:00Z' OR p.resolution_due_at < '2025-04-10 00:00Z')), 'what is overdue is listed');
SELECT * FROM finish();
ROLLBACK;
