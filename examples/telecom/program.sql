-- The operator's CX program: its tables are attached where they are, two
-- journeys are defined, and from then on the views follow every change.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CALL cx.create_program('Europe/Berlin');

-- who: regions are the organisation, and customers bring their region and segment
INSERT INTO cx_data.org_unit (code, name, tier) VALUES ('operator', 'The operator', 1);
INSERT INTO cx_data.org_unit (parent_id, code, name, tier) SELECT 1, code, name, 2 FROM telecom.region ORDER BY region_id;
INSERT INTO cx_data.staff (org_unit_id, code, name) VALUES (1, 'lena', 'Lena Brandt'), (1, 'tom', 'Tom Weber');
INSERT INTO cx_data.customer (code, name, segment, org_unit_id, first_seen_at)
SELECT c.code, c.name, c.segment, u.org_unit_id, c.joined_on
FROM telecom.customer AS c
JOIN telecom.region AS r USING (region_id)
JOIN cx_data.org_unit AS u ON u.code = r.code
ORDER BY c.customer_id;
INSERT INTO cx_data.tag (code, name) VALUES ('left', 'has cancelled'), ('bill_shock', 'got a bill far above the usual one');
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from)
SELECT k.customer_id, 1, c.left_on FROM telecom.customer AS c JOIN cx_data.customer AS k USING (code) WHERE c.left_on IS NOT NULL;
INSERT INTO cx_data.customer_tag (customer_id, tag_id, valid_from, valid_until)
SELECT k.customer_id, 2, b.month + interval '1 month', b.month + interval '2 months'
FROM telecom.bill AS b
JOIN telecom.customer AS c USING (customer_id)
JOIN cx_data.customer AS k USING (code)
WHERE b.overage > 50;

-- where: two journeys, published as they stood when the data begins
INSERT INTO cx_data.journey (code, name, owner_staff_id) VALUES ('join', 'Become a customer', 1), ('care', 'Pay and get help', 2);
INSERT INTO cx_data.stage (journey_id, code, name, position, weight) VALUES
	(1, 'choose', 'Choose', 1, 1), (1, 'start', 'Get started', 2, 1), (1, 'use', 'Use', 3, 2),
	(2, 'pay', 'Pay', 1, 2), (2, 'ask', 'Ask for help', 2, 1);
INSERT INTO cx_data.touchpoint (stage_id, code, name, position, weight, channel, moment_of_truth, owner_staff_id) VALUES
	(1, 'store', 'Store', 1, 1, 'store', false, 1), (2, 'activation', 'Activation', 1, 1, 'app', true, 1),
	(3, 'network', 'Network', 1, 2, 'network', true, 1), (3, 'app', 'App', 2, 1, 'app', false, 2),
	(4, 'billing', 'Bill', 1, 2, 'letter', true, 2), (5, 'support', 'Support', 1, 1, 'phone', false, 2),
	(5, 'ticket', 'Ticket solved', 2, 1, 'phone', true, 2);
INSERT INTO cx_data.journey_note (stage_id, touchpoint_id, kind, body, author) VALUES
	(NULL, 5, 'pain_point', 'Bills far above the fee come without a warning', 'workshop'),
	(NULL, 5, 'opportunity', 'Send a message at 80 % of the data volume', 'workshop'),
	(NULL, 4, 'pain_point', 'Since the release of June paying fails', 'workshop'),
	(NULL, 4, 'opportunity', 'Try out paying before each release', 'workshop'),
	(NULL, 3, 'pain_point', 'South: slow or no connection since February', 'workshop'),
	(NULL, 2, 'pain_point', 'Nobody says how long it takes to keep the old number', 'workshop'),
	(NULL, 2, 'opportunity', 'Tell each step by message', 'workshop'),
	(NULL, 1, 'opportunity', 'Let people book a time in the store', 'workshop'),
	(3, NULL, 'opportunity', 'One page that shows faults of network and app as they happen', 'workshop');
SELECT cx.publish_journey('join', '2025-07-01'), cx.publish_journey('care', '2025-07-01') \g /dev/null

-- what customers say, and what happens to them: the operator's own tables
SELECT cx.attach_feedback('nps survey', 'telecom.nps_answer',
	key => 'answer_id',
	customer => $$'C' || lpad(customer_id::text, 6, '0')$$,
	touchpoint => 'touchpoint',
	metric => $$'nps'$$,
	score => 'score',
	responded_at => 'responded_at',
	comment => 'comment',
	channel => 'channel') \g /dev/null
SELECT cx.attach_feedback('ticket survey', 'telecom.csat_answer',
	key => 'answer_id',
	customer => $$'C' || lpad(customer_id::text, 6, '0')$$,
	touchpoint => $$'ticket'$$,
	metric => $$'csat'$$,
	score => 'score',
	responded_at => 'responded_at') \g /dev/null
SELECT cx.attach_event('bills', 'telecom.bill',
	key => 'bill_id',
	customer => $$'C' || lpad(customer_id::text, 6, '0')$$,
	touchpoint => $$'billing'$$,
	name => $$CASE WHEN overage > 0 THEN 'high bill' ELSE 'bill' END$$,
	value => 'amount',
	occurred_at => $$month + interval '1 month'$$) \g /dev/null
SELECT cx.attach_event('tickets', 'telecom.support_ticket',
	key => 'ticket_id',
	customer => $$'C' || lpad(customer_id::text, 6, '0')$$,
	touchpoint => $$'support'$$,
	name => $$'ticket about ' || topic$$,
	value => 'extract(epoch FROM first_response_at - opened_at)',
	occurred_at => 'opened_at') \g /dev/null
SELECT cx.attach_event('orders', 'telecom.order_step',
	key => 'step_id',
	customer => $$'C' || lpad(customer_id::text, 6, '0')$$,
	touchpoint => $$CASE WHEN step IN ('plans seen', 'plan chosen') THEN 'store' WHEN step = 'first use' THEN 'app' ELSE 'activation' END$$,
	name => 'step',
	occurred_at => 'at') \g /dev/null

CALL cx.maintain();
VACUUM ANALYZE;
