-- journeys as behaviour: who goes on, who stays, who drops out
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET jit = off;
CALL cx.create_program('Europe/Berlin');
-- today is 2026-06-26 in Berlin: what begins counts from 05-01 to 05-28
SET cx.as_of = '2026-06-26 12:00+02';

-- nothing yet
SELECT (SELECT count(*) FROM cx_data.stage_conversion) AS stages, (SELECT count(*) FROM cx_data.stage_dwell) AS dwells, (SELECT count(*) FROM cx_data.drop_off) AS touchpoints;

INSERT INTO cx_data.journey (code, name) VALUES ('buy', 'Buy'), ('empty', 'Empty');
INSERT INTO cx_data.stage (journey_id, code, name, position) VALUES (1, 'look', 'Look', 1), (1, 'order', 'Order', 2), (1, 'use', 'Use', 3), (2, 'alone', 'Alone', 1);
INSERT INTO cx_data.touchpoint (stage_id, code, name, position) VALUES (1, 'ad', 'Ad', 1), (1, 'shop', 'Shop', 2), (2, 'cart', 'Cart', 1), (3, 'app', 'App', 1), (NULL, 'elsewhere', 'Elsewhere', 1);
SELECT cx.publish_journey('buy', '2026-01-01') AS buy, cx.publish_journey('empty', '2026-01-01') AS empty;
INSERT INTO cx_data.customer (code) SELECT 'c' || n FROM generate_series(1, 9) AS n;
CREATE FUNCTION pg_temp.happens(customer bigint, VARIADIC story text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at)
	SELECT customer, touchpoint_id, 'visit', split_part(event, ' ', 2)::timestamptz + split_part(event, ' ', 3)::interval
	FROM unnest(story) WITH ORDINALITY AS s (event, n) JOIN cx_data.touchpoint ON code = split_part(event, ' ', 1) ORDER BY n
$$;
SELECT pg_temp.happens(1, 'ad 2026-05-05 00:00', 'shop 2026-05-05 12:00', 'cart 2026-05-06 00:00', 'app 2026-05-08 00:00') \g /dev/null
-- stops after a second look
SELECT pg_temp.happens(2, 'ad 2026-05-05 00:00', 'shop 2026-05-06 00:00') \g /dev/null
-- orders after 28 days to the second, another one a second later
SELECT pg_temp.happens(3, 'ad 2026-05-10 00:00', 'cart 2026-06-07 00:00:00') \g /dev/null
SELECT pg_temp.happens(4, 'ad 2026-05-10 00:00', 'cart 2026-06-07 00:00:01') \g /dev/null
-- goes back to look again
SELECT pg_temp.happens(5, 'shop 2026-05-12 00:00', 'cart 2026-05-13 00:00', 'shop 2026-05-14 00:00', 'cart 2026-05-15 00:00', 'elsewhere 2026-05-16 00:00') \g /dev/null
-- the last instant that counts in Berlin's time, and the first that does not: too young
SELECT pg_temp.happens(6, 'ad 2026-05-28 21:59:59', 'cart 2026-05-29 00:00') \g /dev/null
SELECT pg_temp.happens(7, 'ad 2026-05-28 22:00', 'cart 2026-05-29 00:00') \g /dev/null
-- began before that time; begins with a later stage
SELECT pg_temp.happens(8, 'ad 2026-04-30 21:59:59', 'shop 2026-05-02 00:00') \g /dev/null
SELECT pg_temp.happens(9, 'cart 2026-05-03 00:00', 'app 2026-05-04 00:00') \g /dev/null
-- nobody known
INSERT INTO cx_data.event (touchpoint_id, name, occurred_at) VALUES (1, 'visit', '2026-05-05'), (3, 'visit', '2026-05-06');

-- seven entered: all but 7 and 9 (8 with its look at the shop); 1, 3, 5 and 6 reached the order, 1 the use
SELECT journey, stage, entered, reached, round(from_previous) AS from_previous, round(from_previous_lower) AS lower, round(from_previous_upper) AS upper, round(from_first) AS from_first, median_seconds / 3600 AS hours
FROM cx_data.stage_conversion ORDER BY journey, stage_position;
-- visits: 1's look lasts a day; 5 comes back to look and to order; 8's look began before and is no new visit
SELECT journey, stage, visit_count, customer_count, reentry_count, not_left_count, round(mean_seconds) AS mean_seconds, median_seconds, round(p90_seconds) AS p90_seconds
FROM cx_data.stage_dwell ORDER BY journey, stage_position;
-- from ad 8's and everybody else's look goes on, but for 4; from the shop 2 and 8 go no further; from the cart 5, 9's app follows
SELECT stage, touchpoint, is_last_stage, customer_count, drop_off_count, round(drop_off_rate) AS rate, round(lower) AS lower, round(upper) AS upper
FROM cx_data.drop_off ORDER BY journey_id, stage_position, touchpoint_position;
-- the map shows the same over the customers of 28 days before the time that it is of
SELECT (xpath('//*[local-name()="tspan"][contains(., "drop-off")]/text()', cx.journey_map_svg('buy')::xml))::text AS last_28_days,
	(xpath('//*[local-name()="tspan"][contains(., "drop-off")]/text()', cx.journey_map_svg('buy', tstzrange('2026-06-02', '2026-06-13'))::xml))::text AS other_days;
SET cx.min_responses = 3;
SELECT unnest(xpath('//*[local-name()="title"][contains(., "28 days")]/text()', cx.journey_map_svg('buy')::xml))::text AS tooltip;
RESET cx.min_responses;
-- seen from earlier: what came later has not happened
SET cx.as_of = '2026-06-01 12:00+02';
SELECT stage, entered, reached FROM cx_data.stage_conversion WHERE journey = 'buy' ORDER BY stage_position;

-- against plain SQL on random events
SET cx.as_of = '2026-06-26 12:00+02';
SELECT setseed(0.6);
TRUNCATE cx_data.event;
INSERT INTO cx_data.event (customer_id, touchpoint_id, name, occurred_at)
SELECT ceil(random() * 9), ceil(random() ^ 2 * 4), 'visit', timestamptz '2026-03-20' + random() * interval '98 days' FROM generate_series(1, 150);
SELECT d.touchpoint, d.customer_count = p.customers AS same_customers, d.drop_off_count = p.dropped AS same_dropped, d.customer_count > 1 AS some
FROM cx_data.drop_off AS d JOIN LATERAL (
	SELECT count(*) AS customers, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM cx_data.event AS e WHERE e.customer_id = last.customer_id AND e.occurred_at > last.at AND e.occurred_at <= last.at + interval '28 days')) AS dropped
	FROM (SELECT customer_id, max(occurred_at) AS at FROM cx_data.event WHERE touchpoint_id = d.touchpoint_id AND occurred_at >= '2026-05-01 00:00+02' AND occurred_at < '2026-05-29 00:00+02' GROUP BY customer_id) AS last
) AS p ON true ORDER BY d.touchpoint;
SELECT c.stage, c.entered = p.entered AS same_entered, c.reached = p.reached AS same_reached
FROM cx_data.stage_conversion AS c JOIN LATERAL (
	SELECT count(DISTINCT a.customer_id) AS entered, count(DISTINCT a.customer_id) FILTER (WHERE c.stage = 'look' OR b.customer_id IS NOT NULL AND (c.stage = 'order' OR u.customer_id IS NOT NULL)) AS reached
	FROM cx_data.event AS a
	LEFT JOIN cx_data.event AS b ON b.customer_id = a.customer_id AND b.touchpoint_id = 3 AND b.occurred_at BETWEEN a.occurred_at AND a.occurred_at + interval '28 days'
	LEFT JOIN cx_data.event AS u ON u.customer_id = a.customer_id AND u.touchpoint_id = 4 AND u.occurred_at BETWEEN b.occurred_at AND a.occurred_at + interval '28 days'
	WHERE a.touchpoint_id IN (1, 2) AND a.occurred_at >= '2026-05-01 00:00+02' AND a.occurred_at < '2026-05-29 00:00+02'
) AS p ON true WHERE c.journey = 'buy' ORDER BY c.stage_position;

CALL cx.drop_program(with_feedback => true);
