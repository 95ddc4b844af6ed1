-- Golden values of tickets: the incident log in an ordinary table that is
-- attached, once as it stands in the end, and once written as a helpdesk writes
-- it, opened, solved and closed; and what the captured tickets and their history
-- then say against values that an independent program (R) computed from the log.
-- Left alone: what tickets do not carry, such as how often one was passed on.
-- Run from the folder that holds data/ and golden/; test/t/002_golden.pl does so.
-- Prints TAP.  A value is met with a relative error of at most 1e-9 (absolute
-- 1e-12 where it is 0), and the line says how many values there have to be.

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
-- the session's clock is none of the program's business
SET timezone = 'Asia/Tokyo';
SET jit = off;
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'cx_data') AS has_program \gset
\if :has_program
CALL cx.drop_program(with_feedback => true);
\endif
CALL cx.create_program('Europe/Berlin');

CREATE TEMP TABLE expectation (sample text, statistic text, expected double precision);
CREATE TEMP TABLE computed (occasion text, sample text, statistic text, actual double precision);
CREATE TEMP TABLE fact (title text, holds boolean);
\copy expectation FROM 'golden/tickets.csv' CSV HEADER
CREATE TEMP TABLE incident (incident integer, caller_id integer, opened_at timestamp, resolved_at timestamp, closed_at timestamp, contact_type text, category integer, subcategory integer,
	impact integer, urgency integer, priority integer, reassignment_count integer, reopen_count integer, made_sla boolean, n_events integer);
\copy incident FROM 'data/incidents.csv' CSV HEADER

CREATE TABLE incident_log (number integer PRIMARY KEY, caller integer, category integer, priority integer, opened timestamp, resolved timestamp, closed timestamp, reopened integer);
CREATE TABLE incident_desk (LIKE incident_log INCLUDING ALL);
INSERT INTO incident_log SELECT incident, caller_id, category, priority, opened_at, resolved_at, closed_at, reopen_count FROM incident;

-- a log that has the times and no status; what was closed without ever being resolved says so
CREATE FUNCTION pg_temp.attach(source text) RETURNS bigint LANGUAGE sql AS $$
	SELECT cx.attach_ticket(source, source::regclass, key => 'number', customer => 'caller', customer_kind => 'caller', touchpoint => $t$'category ' || category$t$, on_unknown => 'create',
		priority => $t$(ARRAY['urgent', 'high', 'normal', 'low'])[priority]$t$, opened_at => $t$opened AT TIME ZONE 'UTC'$t$, solved_at => $t$resolved AT TIME ZONE 'UTC'$t$, closed_at => $t$closed AT TIME ZONE 'UTC'$t$,
		reopened => 'reopened', root_cause => $t$CASE WHEN resolved IS NULL AND closed IS NOT NULL THEN 'not resolved' END$t$)
$$;
INSERT INTO fact SELECT 'the log comes along when it is attached', pg_temp.attach('incident_log') = 14889;
-- all of it is opened, then resolved, then closed, in parts as they come
INSERT INTO fact SELECT 'an empty desk is attached', pg_temp.attach('incident_desk') = 0;
INSERT INTO incident_desk SELECT incident, caller_id, category, priority, opened_at, NULL, NULL, 0 FROM incident;
UPDATE incident_desk AS d SET resolved = i.resolved_at, reopened = i.reopen_count FROM incident AS i WHERE i.incident = d.number;
UPDATE incident_desk AS d SET closed = i.closed_at FROM incident AS i WHERE i.incident = d.number AND i.incident % 2 = 0;
UPDATE incident_desk AS d SET closed = i.closed_at FROM incident AS i WHERE i.incident = d.number AND i.incident % 2 = 1;

-- hours are between entries of the history
CREATE TEMP TABLE ticket AS
SELECT s.name AS occasion, t.ticket_id, t.source_key::integer AS incident, t.customer_id, t.priority, p.code AS category, t.reopen_count, t.opened_at, t.solved_at, t.closed_at, t.root_cause IS NULL AS is_resolved,
	h.opened_at AS opened_entry, h.solved_at AS solved_entry, h.closed_at AS closed_entry,
	CASE WHEN t.root_cause IS NULL THEN extract(epoch FROM h.solved_at - h.opened_at)::double precision / 3600 END AS resolution_hours,
	extract(epoch FROM h.closed_at - h.opened_at)::double precision / 3600 AS close_hours
FROM cx_data.ticket AS t JOIN cx_data.source AS s USING (source_id) LEFT JOIN cx_data.touchpoint AS p ON p.touchpoint_id = t.touchpoint_id
JOIN (SELECT ticket_id, min(occurred_at) FILTER (WHERE kind = 'opened') AS opened_at, max(occurred_at) FILTER (WHERE status = 'solved') AS solved_at, max(occurred_at) FILTER (WHERE status = 'closed') AS closed_at
	FROM cx_data.ticket_event GROUP BY ticket_id) AS h USING (ticket_id);
CREATE TEMP TABLE ticket_group AS
SELECT t.*, g.sample
FROM ticket AS t, LATERAL (VALUES ('tickets|all'), ('tickets|priority=' || array_position(ARRAY['urgent', 'high', 'normal', 'low'], t.priority)), ('tickets|' || replace(t.category, ' ', '='))) AS g (sample)
WHERE g.sample || '|reopened' IN (SELECT e.sample FROM expectation AS e);

INSERT INTO computed
SELECT occasion, format('%s|%s', sample, duration), v.*
FROM (SELECT occasion, sample, duration, count(hours) AS n, avg(hours) AS mean, stddev_samp(hours) AS sd, min(hours) AS min, max(hours) AS max,
		percentile_cont(ARRAY[0.1, 0.25, 0.5, 0.75, 0.9]) WITHIN GROUP (ORDER BY hours) AS p
	FROM ticket_group, LATERAL (VALUES ('resolution_hours', resolution_hours), ('close_hours', close_hours)) AS d (duration, hours)
	GROUP BY occasion, sample, duration) AS s,
	LATERAL (VALUES ('n', n::double precision), ('mean', mean), ('sd', sd), ('se', sd / sqrt(n)), ('min', min), ('max', max),
		('p10', p[1]), ('q25', p[2]), ('median', p[3]), ('q75', p[4]), ('p90', p[5])) AS v (statistic, actual)
UNION ALL
SELECT occasion, format('%s|%s', sample, what), v.*
FROM (SELECT occasion, sample, what, count(*) FILTER (WHERE holds) AS x, cx.metric_estimate('thumbs', cx.tally(holds::integer)) AS e
	FROM ticket_group, LATERAL (VALUES ('reopened', reopen_count > 0), ('unresolved_ts', NOT is_resolved)) AS w (what, holds)
	GROUP BY occasion, sample, what) AS s,
	LATERAL (VALUES ('n', (e).responses), ('x', x), ('prop', (e).value / 100), ('se', (e).std_error / 100),
		('wilson_lo', (e).lower / 100), ('wilson_hi', (e).upper / 100)) AS v (statistic, actual)
UNION ALL
SELECT occasion, 'tickets|backlog|' || day, v.*
FROM (SELECT occasion, day, count(*) AS unclosed, count(*) FILTER (WHERE NOT is_resolved OR solved_at > at) AS unresolved
	FROM unnest(ARRAY['2016-03-15', '2016-04-01', '2016-04-15', '2016-05-01', '2016-05-15', '2016-06-01']) AS day,
		LATERAL (SELECT day::timestamp AT TIME ZONE 'UTC') AS midnight (at), ticket
	WHERE opened_at <= at AND closed_at > at GROUP BY occasion, day) AS s,
	LATERAL (VALUES ('open_unclosed', unclosed), ('open_unresolved', unresolved)) AS v (statistic, actual)
UNION ALL
SELECT occasion, 'tickets|callers', v.*
FROM (SELECT occasion, count(*) AS callers, max(tickets) AS most, count(*) FILTER (WHERE tickets > 1) AS repeat_callers
	FROM (SELECT occasion, customer_id, count(*) AS tickets FROM ticket WHERE customer_id IS NOT NULL GROUP BY occasion, customer_id) AS caller GROUP BY occasion) AS s,
	LATERAL (VALUES ('callers', callers), ('max_per_caller', most), ('repeat_callers', repeat_callers)) AS v (statistic, actual)
UNION ALL
SELECT occasion, 'tickets|repeat_contact_7d', v.*
FROM (SELECT occasion, count(*) AS n, count(*) FILTER (WHERE next_at <= opened_at + interval '168 hours') AS repeated
	FROM (SELECT occasion, opened_at, lead(opened_at) OVER (PARTITION BY occasion, customer_id ORDER BY opened_at, incident) AS next_at FROM ticket WHERE customer_id IS NOT NULL) AS t GROUP BY occasion) AS s,
	LATERAL (VALUES ('n', n), ('repeated', repeated), ('rate', repeated::double precision / n)) AS v (statistic, actual)
UNION ALL
-- correlation of ranks, the mean one where several are alike
SELECT occasion, 'tickets|spearman', 'reopen_hours', corr(x, y)
FROM (SELECT occasion, rank() OVER (PARTITION BY occasion ORDER BY reopen_count) + (count(*) OVER (PARTITION BY occasion, reopen_count) - 1) / 2.0 AS x,
		rank() OVER (PARTITION BY occasion ORDER BY resolution_hours) + (count(*) OVER (PARTITION BY occasion, resolution_hours) - 1) / 2.0 AS y
	FROM ticket WHERE is_resolved) AS ranked
GROUP BY occasion;

INSERT INTO fact
SELECT 'the times of a ticket are those of its history', bool_and((opened_at, solved_at, closed_at) = (opened_entry, solved_entry, closed_entry)) FROM ticket;
INSERT INTO fact
SELECT 'deadlines follow from the history', count(*) = 29778 AND bool_and(t.resolution_due_at IS NOT DISTINCT FROM cx.resolution_due(t.ticket_id) AND t.first_response_due_at = t.opened_at + p.first_response_within
	AND p.priority = t.priority) FROM cx_data.ticket AS t JOIN cx_data.sla_policy AS p USING (sla_policy_id);
INSERT INTO fact
SELECT 'both ways of writing them give the same tickets', count(*) = 14889 AND bool_and((a.priority, a.reopen_count, a.opened_at, a.first_responded_at, a.solved_at, a.closed_at, a.first_response_due_at, a.resolution_due_at, a.sla_policy_id)
	= (b.priority, b.reopen_count, b.opened_at, b.first_responded_at, b.solved_at, b.closed_at, b.first_response_due_at, b.resolution_due_at, b.sla_policy_id) AND a.customer_id IS NOT DISTINCT FROM b.customer_id)
FROM cx_data.ticket AS a JOIN cx_data.ticket AS b USING (source_key) WHERE a.source_id < b.source_id;
INSERT INTO fact
SELECT 'nothing is left to bring in step', bool_and(inserted + updated + deleted + failed = 0) FROM unnest(ARRAY['incident_log', 'incident_desk']) AS source, cx.sync_source(source);

CREATE TEMP TABLE compared AS
SELECT c.*, expected, e.sample IS NOT NULL AS found,
	CASE WHEN expected = 0 THEN abs(actual) <= 1e-12 ELSE abs(actual - expected) <= 1e-9 * abs(expected) END IS TRUE AS met
FROM computed AS c LEFT JOIN expectation AS e USING (sample, statistic);
SELECT '1..' || 2 + (SELECT count(*) FROM fact);
SELECT format('%s - tickets.csv, %s: %s of 461 values met', CASE WHEN count(*) = 461 AND count(DISTINCT (sample, statistic)) = 461 AND bool_and(found AND met) THEN 'ok' ELSE 'not ok' END,
	occasion, count(*) FILTER (WHERE found AND met))
FROM (VALUES ('incident_desk'), ('incident_log')) AS wanted (occasion) LEFT JOIN compared USING (occasion)
GROUP BY occasion ORDER BY occasion;
SELECT CASE WHEN holds THEN 'ok - ' ELSE 'not ok - ' END || title FROM fact;
SELECT format('# %s, %s %s: expected %s, got %s', occasion, sample, statistic, CASE WHEN found THEN expected::text ELSE 'nothing' END, coalesce(actual::text, 'NULL'))
FROM compared WHERE NOT (found AND met) ORDER BY occasion, sample, statistic LIMIT 40;
