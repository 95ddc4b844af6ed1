-- Who may do what with tickets: levels of access, row security, erasing and merging
\set VERBOSITY terse
SET client_min_messages = warning;
-- without JIT compilation, of which a server that is set to use it for all queries does one for each of many small ones; ticket_alert runs with it
SET jit = off;
CREATE EXTENSION IF NOT EXISTS cx;
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE ROLE cx_regress_ann; CREATE ROLE cx_regress_ed; CREATE ROLE cx_regress_wes; CREATE ROLE cx_regress_analyst; CREATE ROLE cx_regress_admin; CREATE ROLE cx_regress_app;
CALL cx.create_program('UTC');
INSERT INTO cx_data.org_unit (org_unit_id, parent_id, code, tier) VALUES (1, NULL, 'group', 1), (2, 1, 'east', 2), (3, 1, 'west', 2), (4, 2, 'shop', 3);
INSERT INTO cx_data.staff (staff_id, code, org_unit_id, db_role) VALUES (1, 'ann', 4, 'cx_regress_ann'), (2, 'ed', 2, 'cx_regress_ed'), (3, 'wes', 3, 'cx_regress_wes'), (4, 'gina', 1, NULL);
UPDATE cx_data.org_unit SET manager_id = CASE code WHEN 'group' THEN 4 WHEN 'east' THEN 2 WHEN 'west' THEN 3 END;
INSERT INTO cx_data.customer (customer_id, code, name, org_unit_id) VALUES (1, 'c1', 'Ada Lovelace', 4), (2, 'c2', 'Bo', 3);
CALL cx.grant_access('cx_regress_ann', 'agent'); CALL cx.grant_access('cx_regress_ed', 'manager'); CALL cx.grant_access('cx_regress_wes', 'manager');
CALL cx.grant_access('cx_regress_analyst', 'analyst'); CALL cx.grant_access('cx_regress_admin', 'admin');
CALL cx.enable_row_security();
SELECT cx.open_ticket('Ada is angry', customer => 'c1', detail => 'secret', at => '2025-03-03 09:00'), cx.open_ticket('Bo is angry', customer => 'c2', at => '2025-03-03 09:00');
INSERT INTO cx_data.feedback (feedback_id, customer_id, org_unit_id, metric, score, responded_at) VALUES (77, 2, 3, 'nps', 0, '2025-03-01');
\set shows 'SELECT ticket_id, subject, customer, org_unit, status, origin FROM cx_data.ticket_detail ORDER BY ticket_id'

-- an agent sees and moves the tickets of her unit, and asks other units by tasks
SET SESSION AUTHORIZATION cx_regress_ann;
:shows;
SELECT cx.reply_ticket(1, 'hello'), cx.move_ticket(1, 'pending');
SELECT cx.move_ticket(2, 'open');
SELECT cx.assign_ticket(2, 'ann');
SELECT cx.route_ticket(2);
SELECT cx.ticket_brief(2);
SELECT cx.ticket_brief(1) #> '{customer,name}' AS customer;
SELECT cx.decompose_ticket(1, '[{"unit": "west", "subject": "look into the branch"}]');
SELECT ticket_task_id, subject, status FROM cx_data.ticket_task;
SELECT kind, status, note, actor FROM cx_data.ticket_event WHERE ticket_id = 1 ORDER BY ticket_event_id;
SELECT count(*) FROM cx_data.ticket_event WHERE ticket_id = 2;
-- she opens one for the centre, and cannot say that it was long ago
SELECT cx.open_ticket('the till is broken', org_unit => 'group');
SELECT cx.open_ticket('mine', at => '2025-01-01');
SELECT cx.move_ticket(1, 'open', at => '2025-04-01');
SELECT cx.open_ticket('x', customer => 'c2');
SELECT cx.open_ticket('x', feedback => 77);
SELECT cx.as_program_owner('open_ticket', '{"subject": "x", "priority": "low", "customer": "c2"}');
SELECT cx.as_program_owner('open_ticket', '{"subject": "x", "priority": "low", "feedback": 77}');
SELECT cx.as_program_owner('open_ticket', '{"subject": "x", "priority": "low", "customer_id": 2, "ticket_id": 99, "actor": "cx_regress_ed", "emergency": true}') IS NOT NULL AS opened;
SELECT ticket_id > 3 AS is_new, customer_id, emergency FROM cx_data.ticket ORDER BY ticket_id DESC LIMIT 1;
SELECT cx.open_ticket('by the book', sla => 'standard', org_unit => 'shop') IS NOT NULL AS opened;
SELECT cx.as_program_owner('forget_tickets', '[1]');
SELECT count(*) > 0 AS history_stays FROM cx_data.ticket_event WHERE ticket_id = 1;
SELECT cx.escalate_overdue();
SELECT cx.set_sla_policy(resolve_within => '1 hour');
-- nothing but the functions writes tickets and their history
UPDATE cx_data.ticket SET status = 'open';
INSERT INTO cx_data.ticket (subject) VALUES ('mine');
DELETE FROM cx_data.ticket_event;
INSERT INTO cx_data.ticket_event (ticket_id, kind) VALUES (1, 'status');
SELECT cx.set_ticket_status(1, 'closed', 'cx_regress_ann'::regrole, now(), NULL);
SELECT cx.add_tickets(ARRAY[jsonb_populate_record(NULL::cx.new_ticket, '{"priority": "low"}')]);
SELECT cx.as_program_owner('move_ticket', '{"ticket": 2, "status": "open"}');
-- the other unit sees its task, not the ticket; its manager does it
SET SESSION AUTHORIZATION cx_regress_wes;
:shows;
SELECT ticket_task_id, subject FROM cx_data.ticket_task;
SELECT cx.move_task(1, 'blocked', 'nobody there'), cx.move_task(1, 'done', 'all well');
SELECT cx.move_ticket(1, 'open');
-- the manager of the region sees what is below
SET SESSION AUTHORIZATION cx_regress_ed;
:shows;
SELECT cx.assign_ticket(1, 'ann', note => 'yours');
-- an analyst sees all, but not what customers say, and moves nothing
SET SESSION AUTHORIZATION cx_regress_analyst;
:shows;
SELECT subject FROM cx_data.ticket;
SELECT note FROM cx_data.ticket_event;
SELECT cx.move_ticket(1, 'open');
SELECT cx.ticket_brief(1);
SELECT count(*) > 2 AS outcomes FROM cx_data.ticket_outcome;
SELECT count(subject) FROM cx_data.ticket_queue;
SELECT count(subject), count(blocked_reason) FROM cx_data.emergency;
SELECT count(*), count(message) FROM cx_data.alert_queue;
-- an admin corrects what is personal, and no more
SET SESSION AUTHORIZATION cx_regress_admin;
UPDATE cx_data.ticket SET status = 'closed';
UPDATE cx_data.ticket SET subject = 'an angry customer' WHERE ticket_id = 2;
UPDATE cx_data.ticket_event SET note = NULL WHERE false;
SELECT cx.set_sla_policy('gold', resolve_within => '1 hour') IS NOT NULL AS done, cx.escalate_overdue('2025-03-05') AS climbed;
SELECT cx.move_ticket(1, 'pending', at => now());
DELETE FROM cx_data.ticket WHERE subject = 'by the book';
SELECT count(*) FROM cx_data.ticket WHERE subject = 'by the book';
-- somebody without a level
SET SESSION AUTHORIZATION cx_regress_app;
SELECT cx.as_program_owner('assign_ticket', '{"ticket": 1, "staff": "nobody"}');
SELECT cx.as_program_owner('open_ticket', '{"subject": "x", "staff": "nobody"}');
SELECT cx.open_ticket('mine');
SELECT cx.route_ticket();
RESET SESSION AUTHORIZATION;
-- an application that may only write its table opens a ticket that it cannot read
CREATE TABLE answers (who text, score integer);
GRANT INSERT ON answers TO cx_regress_app;
SELECT cx.create_alert('bad answer', 'answers', 'score < 3', customer => 'who', opens_ticket => true) \g /dev/null
SET SESSION AUTHORIZATION cx_regress_app;
INSERT INTO answers VALUES ('c1', 1);
SELECT count(*) FROM cx_data.ticket;
RESET SESSION AUTHORIZATION;
SELECT subject, customer FROM cx_data.ticket_queue WHERE subject ~ '^bad answer';

-- merging and erasing customers
SELECT cx.merge_customers('c1', 'c2') AS merge \gset
SELECT ticket_id, customer FROM cx_data.ticket_queue ORDER BY 1;
SELECT cx.open_ticket('about c2, under his old code', customer => 'c2', org_unit => 'west') IS NOT NULL AS opened;
SELECT cx.unmerge(:merge);
SELECT ticket_id, customer FROM cx_data.ticket_queue ORDER BY 1;
SELECT relation, what, row_count FROM cx.erase_customer('c1') WHERE relation ~ 'ticket' ORDER BY 1;
RESET SESSION AUTHORIZATION;
SELECT ticket_id, customer_id, subject, detail, action_taken FROM cx_data.ticket ORDER BY 1;
SELECT note FROM cx_data.ticket_event WHERE note IS NOT NULL ORDER BY ticket_event_id;
SELECT subject, result, blocked_reason FROM cx_data.ticket_task;
TRUNCATE cx_data.ticket;
SELECT (SELECT count(*) FROM cx_data.ticket_event) AS events, (SELECT count(*) FROM cx_data.ticket_task) AS tasks;
DROP TABLE answers;
SELECT cx.drop_alert('bad answer');
CALL cx.drop_program(true);
DROP EXTENSION cx;
DROP ROLE cx_regress_ann, cx_regress_ed, cx_regress_wes, cx_regress_analyst, cx_regress_admin, cx_regress_app;
