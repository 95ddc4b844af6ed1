-- Import: responses of survey tools, exports, and feedback from one's own programs
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS cx;
RESET client_min_messages;
\set SHOW_CONTEXT never
-- without JIT compilation, which takes a minute where a server is set to use it for all queries; capture runs with it
SET jit = off;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CALL cx.create_program('Europe/Berlin');
INSERT INTO cx_data.touchpoint (code) VALUES ('shop'), ('app'), ('line');
INSERT INTO cx_data.org_unit (code) VALUES ('west');
INSERT INTO cx_data.staff (code) VALUES ('dora');
CREATE VIEW imported AS
SELECT s.name AS source, f.source_key COLLATE "C" AS key, c.code AS customer, t.code AS touchpoint, f.metric, f.score, f.responded_at AS at, f.comment, f.channel, f.kind
FROM cx_data.feedback AS f JOIN cx_data.source AS s USING (source_id) LEFT JOIN cx_data.customer AS c USING (customer_id) LEFT JOIN cx_data.touchpoint AS t USING (touchpoint_id);
CREATE VIEW failed AS
SELECT s.name AS source, e.source_key COLLATE "C" AS key, e.sqlstate, e.message, e.attempts, e.payload IS NOT NULL AS has_payload FROM cx_data.import_error AS e JOIN cx_data.source AS s USING (source_id);
CREATE VIEW apart AS
SELECT s.name AS source, a.source_key COLLATE "C" AS key, a.state FROM cx_data.response_apart AS a JOIN cx_data.source AS s USING (source_id);

-- what is read as a score
SELECT answer, cx.import_score(answer) FROM unnest(ARRAY['7', '7.5', '-1', '1e2', '"9"', '" 10 - Extremely likely"', '"0 (not at all)"', '"5: very good"', '"4 stars"', '"7.0"', 'true', 'false', 'null', '""', '"  "']::jsonb[]) AS answer;
SELECT cx.import_score(NULL), cx.import_score('"A2"', '{"A2": 4}'), cx.import_score('12', '{"12": 3}'), cx.import_score('""', '{"A2": 4}');
SELECT cx.import_score('"5"', '{"A2": 4}');
SELECT cx.import_score('"very good"');
SELECT cx.import_score('"7 or 8"');
SELECT cx.import_score('"1st"');
SELECT cx.import_score('"7,5"');
SELECT cx.import_score('"0x10"');
SELECT cx.import_score('"NaN"');
SELECT cx.import_score('"-Infinity"');
SELECT cx.import_score('"A9"', '{"A2": 4}');
SELECT cx.import_score('"A2"', '{"A2": "four"}');
SELECT cx.import_score('{"a": 1}');
SELECT cx.import_score('[7]');
SELECT cx.import_score('1e400');
-- and as a time
SELECT value, cx.import_time(value, 'America/Denver') FROM unnest(ARRAY['"2026-03-08T01:30:00Z"', '"2026-03-08 01:30:00"', '"2026-03-08 03:30:00"', '"2026-03-08T01:30:00.5+05:30"', '"2026-03-08 01:30 -0700"', '"2026-03-08 01:30 EST"', '"2026-03-08 1:30 PM"',
	'"2026-03-08 13:30 Europe/Berlin"', '"2026-03-08"', '"20260308T013000"', '1772935200', '1772935200000', '"1772935200"', '0', '-1', 'null', '""', '" "']::jsonb[]) AS value;
SELECT cx.import_time('"soon"', 'UTC');
SELECT cx.import_time('"2026-02-30"', 'UTC');
SELECT cx.import_time('1e300', 'UTC');
SELECT cx.import_time('"2026-03-08 01:30"', 'Mars/Olympus');
SELECT cx.import_time(NULL, 'UTC'), cx.import_time('{"a": 1}', 'UTC');

-- comma-separated values
SELECT * FROM cx.csv_rows(E'\uFEFFa,b,"c ""quoted"", and more"\r\n1,,"two\r\nlines"\n\n"",x\r"last",');
SELECT * FROM cx.csv_rows(E'a;b;c\n1,5;2;3');
SELECT * FROM cx.csv_rows(E'a\tb,c\t"d,e"\n');
SELECT * FROM cx.csv_rows('a|b', ',');
SELECT * FROM cx.csv_rows('');
SELECT * FROM cx.csv_rows(NULL);
SELECT * FROM cx.csv_rows('"no end');
SELECT * FROM cx.csv_rows('a,b', '::');
SELECT count(*), max(length(fields[1])) FROM cx.csv_rows('"' || repeat('x', 1000000) || E'"\n' || repeat(E'y\n', 10000));

-- Typeform: two questions, a comment, a version that is not complete; the same again changes nothing
SELECT cx.create_import('typeform', 'typeform', '{"nps": {"metric": "nps", "touchpoint": "shop", "comment": "why"}, "sat": {"metric": "csat", "touchpoint": "app"}}');
SELECT * FROM cx.import_feedback('typeform', '{"event_type": "form_response_partial", "form_response": {"token": "t1"}}');
SELECT * FROM apart;
SELECT * FROM cx.import_feedback('typeform', '{"event_id": "e1", "event_type": "form_response", "form_response": {"form_id": "f", "token": "t1", "landed_at": "2026-03-01T09:59:00Z", "submitted_at": "2026-03-01T10:00:00Z", "hidden": {"customer": "anna"}, "answers": [
	{"type": "number", "number": 9, "field": {"id": "1", "type": "nps", "ref": "nps"}}, {"type": "text", "text": " so friendly ", "field": {"id": "2", "type": "long_text", "ref": "why"}}, {"type": "number", "number": 4, "field": {"id": "3", "type": "rating", "ref": "sat"}}]}}');
SELECT * FROM cx.import_feedback('typeform', '[{"event_id": "e1", "event_type": "form_response", "form_response": {"form_id": "f", "token": "t1", "submitted_at": "2026-03-01T10:00:00Z", "hidden": {"customer": "anna"}, "answers": [
	{"type": "number", "number": 9, "field": {"id": "1", "ref": "nps"}}, {"type": "text", "text": "so friendly", "field": {"id": "2", "ref": "why"}}, {"type": "number", "number": 4, "field": {"id": "3", "ref": "sat"}}]}},
	{"event_id": "e2", "event_type": "form_response", "form_response": {"token": "t2", "submitted_at": "2026-03-01T11:00:00Z", "answers": [{"type": "number", "number": 3, "field": {"ref": "sat"}}]}}, {"event_type": "form_response_partial", "form_response": {"token": "t1"}}]');
SELECT * FROM imported ORDER BY key;
SELECT * FROM apart;

-- Formbricks: versions out of order, the newest wins; in one batch too
SELECT cx.create_import('formbricks', 'formbricks', '{"q1": {"metric": "nps", "touchpoint": "app", "comment": "q2"}}');
SELECT * FROM cx.import_feedback('formbricks', '{"event": "responseCreated", "data": {"id": "r1", "finished": false, "createdAt": "2026-03-02T08:00:00.000Z", "updatedAt": "2026-03-02T08:00:00.000Z", "data": {"q1": 2}}}');
SELECT * FROM cx.import_feedback('formbricks', '{"event": "responseFinished", "data": {"id": "r1", "finished": true, "createdAt": "2026-03-02T08:00:00.000Z", "updatedAt": "2026-03-02T08:05:00.000Z", "data": {"q1": 8, "q2": "newest"}, "contactAttributes": {"userId": "bob"}}}');
SELECT * FROM cx.import_feedback('formbricks', '{"event": "responseUpdated", "data": {"id": "r1", "finished": true, "createdAt": "2026-03-02T08:00:00.000Z", "updatedAt": "2026-03-02T08:03:00.000Z", "data": {"q1": 5}}}');
SELECT * FROM cx.import_feedback('formbricks', '[{"data": {"id": "r2", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T09:00:00Z", "data": {"q1": 10}}}, {"data": {"id": "r2", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:30:00Z", "data": {"q1": 1}}},
	{"data": {"id": "r3", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"q1": 1}}}, {"data": {"id": "r3", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"q1": 7}}}, {"data": {"id": "r4", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"other": 7, "q1": null}}}]');
SELECT * FROM imported WHERE source = 'formbricks' ORDER BY key;
SELECT * FROM apart;
-- what a newer version does not answer any more counts no more, not what an older one does not; nor within one batch
SELECT * FROM cx.import_feedback('formbricks', '[{"data": {"id": "r1", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:06:00Z", "data": {}}}, {"data": {"id": "r2", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:59:00Z", "data": {}}},
	{"data": {"id": "r5", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:01:00Z", "data": {"q1": 3}}}, {"data": {"id": "r5", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "updatedAt": "2026-03-02T08:02:00Z", "data": {}}},
	{"data": {"id": "r6", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {}}}, {"data": {"id": "r6", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {}}}]');
SELECT * FROM imported WHERE source = 'formbricks' ORDER BY key;

-- Delighted: one question without a name, its metric in the payload, Unix seconds; the comment comes later, or before
SELECT cx.create_import('delighted', 'delighted', '{"": {"touchpoint": "line"}}', '{"customer": "$.event_data.person.email", "customer_kind": "email"}');
SELECT * FROM cx.import_feedback('delighted', '{"event_type": "survey_response.updated", "event_id": "d2", "event_data": {"id": "5435", "person": {"id": "3", "email": "kim@example.com"}, "survey_type": "nps", "score": 9, "comment": "thanks", "created_at": 1772359200, "updated_at": 1772359260}}');
SELECT * FROM cx.import_feedback('delighted', '[{"event_type": "survey_response.created", "event_id": "d1", "event_data": {"id": "5435", "person": {"id": "3", "email": "kim@example.com"}, "survey_type": "nps", "score": 9, "comment": null, "created_at": 1772359200, "updated_at": 1772359200}},
	{"event_data": {"id": 5436, "person": {"id": "4"}, "survey_type": "csat", "score": 5, "created_at": 1772359300}}, {"event_data": {"id": "5437", "survey_type": "smileys", "score": 5, "created_at": 1772359300}}]');
SELECT * FROM imported WHERE source = 'delighted' ORDER BY key;
SELECT kind, value FROM cx_data.customer_identity;
SELECT source, key, sqlstate, message, has_payload FROM failed;

-- SurveyMonkey: many responses in one payload, choices stand for scores
SELECT cx.create_import('monkey', 'surveymonkey', '{"101": {"metric": "csat", "touchpoint": "shop", "comment": "102", "choices": {"9001": 1, "9002": 2, "9003": 3, "9004": 4, "9005": 5}}}');
SELECT * FROM cx.import_feedback('monkey', '{"data": [
	{"id": "m1", "response_status": "completed", "collection_mode": "default", "date_modified": "2026-03-03T10:00:00+02:00", "custom_variables": {"customer": "anna"}, "pages": [{"id": "1", "questions": []}, {"id": "2", "questions": [{"id": "101", "answers": [{"choice_id": "9005"}]}, {"id": "102", "answers": [{"text": "nice"}]}]}]},
	{"id": "m2", "response_status": "partial", "collection_mode": "default", "date_modified": "2026-03-03T10:00:00+02:00", "pages": []},
	{"id": "m3", "response_status": "completed", "collection_mode": "preview", "date_modified": "2026-03-03T10:00:00+02:00", "pages": []},
	{"id": "m4", "response_status": "completed", "collection_mode": "default", "date_modified": "2026-03-03T10:00:00+02:00", "pages": [{"questions": [{"id": "101", "answers": [{"choice_id": "77"}]}]}]}], "per_page": 50, "page": 1, "total": 4}');
SELECT * FROM imported WHERE source = 'monkey' ORDER BY key;
SELECT * FROM apart WHERE source = 'monkey' ORDER BY key;
SELECT key, message FROM failed WHERE source = 'monkey';

-- Qualtrics: three header rows, line breaks, byte-order mark, its own names and time zone, previews, tests and spam
SELECT cx.create_import('qualtrics', 'qualtrics', '{"QID1": {"metric": "nps", "touchpoint": "shop", "comment": "Why"}}');
SELECT * FROM cx.import_csv('qualtrics', E'\uFEFFStartDate,RecordedDate,Status,Finished,ResponseId,ExternalReference,DistributionChannel,Q1,Q1_NPS_GROUP,Why\r\n'
	'"Start Date","Recorded Date","Response Type",Finished,"Response ID","External Data Reference",Channel,"How likely are you\nto recommend us?","Group","Why, please?"\r\n'
	'"{""ImportId"":""startDate"",""timeZone"":""America/Denver""}","{""ImportId"":""recordedDate"",""timeZone"":""America/Denver""}","{""ImportId"":""status""}","{""ImportId"":""finished""}","{""ImportId"":""_recordId""}","{""ImportId"":""externalDataReference""}","{""ImportId"":""distributionChannel""}","{""ImportId"":""QID1""}","{""ImportId"":""QID1_NPS_GROUP""}","{""ImportId"":""QID2_TEXT""}"\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,IP Address,True,R_1,anna,email,10 - Extremely likely,Promoter,"First line\nsecond, ""quoted"""\r\n'
	'2026-07-15 08:30:21,2026-07-15 08:31:00,0,1,R_2,,anonymous,0,Detractor,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,Survey Preview,True,R_3,,preview,3,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,Survey Test,True,R_4,,test,3,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,Spam,True,R_5,,email,3,,\r\n'
	'2026-01-15 08:30:21,,IP Address,False,R_6,,email,3,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,IP Address,True,R_7,,email,,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,IP Address,True,R_8,,email,often,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,IP Address,True,R_9,,email,7,,,,\r\n'
	'2026-01-15 08:30:21,2026-01-15 08:31:00,IP Address,True,R_10,,email,7,,a comma, too many\r\n');
SELECT * FROM imported WHERE source = 'qualtrics' ORDER BY key;
SELECT * FROM apart WHERE source = 'qualtrics' ORDER BY key;
SELECT key, message, attempts, has_payload FROM failed WHERE source = 'qualtrics' ORDER BY key;

-- LimeSurvey: answer codes, semicolons, the server's time zone
SELECT cx.create_import('lime', 'limesurvey', '{"G01Q01": {"metric": "csat", "touchpoint": "line", "comment": "G01Q02", "choices": {"A1": 1, "A2": 2, "A3": 3, "A4": 4, "A5": 5}}}', '{"time_zone": "Asia/Kathmandu"}');
SELECT * FROM cx.import_csv('lime', E'"id";"submitdate";"lastpage";"startlanguage";"token";"G01Q01";"G01Q02"\n"1";"2026-02-01 10:00:00";"2";"en";"tok1";"A5";"all fine; really"\n"2";"";"1";"en";"tok2";"A1";""\n"3";"2026-02-01 11:00:00";"2";"de";"";"A3";""\n');
SELECT * FROM imported WHERE source = 'lime' ORDER BY key;
SELECT * FROM apart WHERE source = 'lime';

-- another format needs no code
INSERT INTO cx_data.import_format (code, name, definition) VALUES ('own', 'Our kiosk', '{"responses": "$.rows[*]", "key": "$.n", "responded_at": "$.t", "answer": "$.v", "kind": "$.k", "org_unit": "$.u", "staff": "$.s", "touchpoint": "$.p", "metric": "stars", "attributes": "$.x"}');
SELECT cx.create_import('kiosk', 'own', settings => '{"on_unknown": "create", "time_zone": "UTC"}');
SELECT * FROM cx.import_feedback('kiosk', '{"rows": [{"n": 1, "t": "2026-03-04 10:00", "v": 5, "p": "hall", "u": "west", "s": "dora", "x": {"a": 1}}, {"n": 2, "t": "2026-03-04 10:00", "p": "hall", "k": "complaint"}, {"n": 3, "t": "2026-03-04 10:00", "v": 5, "k": "rant"}, {"n": 4, "t": "2026-03-04 10:00", "v": 5, "u": "nowhere"}, {"t": "2026-03-04 10:00", "v": 5}, {"n": 6, "v": 5}, 7, null]}');
SELECT * FROM imported WHERE source = 'kiosk' ORDER BY key;
SELECT attributes FROM cx_data.feedback JOIN cx_data.source USING (source_id) WHERE name = 'kiosk' AND source_key = '1';
SELECT key, message, attempts FROM failed WHERE source = 'kiosk' ORDER BY key, message;
SELECT * FROM cx.import_feedback('kiosk', '{"nothing": 1}');
SELECT * FROM cx.import_feedback('kiosk', '[]');
-- what failed is tried again, until the cause is mended
CALL cx.maintain();
SELECT key, message, attempts FROM failed WHERE source = 'kiosk' ORDER BY key, message;
INSERT INTO cx_data.org_unit (code) VALUES ('nowhere');
INSERT INTO cx_data.metric (code, kind, scale_min, scale_max) VALUES ('smileys', 'rating', 1, 5);
SELECT cx.create_import('qualtrics', 'qualtrics', '{"QID1": {"metric": "nps", "touchpoint": "shop", "comment": "Why", "choices": {"often": 10}}}');
CALL cx.maintain();
SELECT source, key, message, attempts FROM failed ORDER BY source, key, message;
SELECT * FROM imported WHERE key IN ('4', '5437', 'R_8/QID1') ORDER BY key;

-- one piece of feedback from one's own program
SELECT cx.submit_feedback(kind => 'complaint', comment => 'never again', customer => 'bob', responded_at => '2026-03-05 10:00Z') IS NOT NULL AS written;
SELECT cx.submit_feedback(source => 'till', source_key => '1', metric => 'nps', score => 9, touchpoint => 'shop', responded_at => '2026-03-05 10:00Z') = cx.submit_feedback(source => 'till', source_key => '1', metric => 'nps', score => 8, touchpoint => 'shop', responded_at => '2026-03-05 10:00Z') AS same;
SELECT cx.submit_feedback(source => 'till', source_key => '1', metric => 'nps', score => 1, responded_at => '2026-03-05 10:00Z', changed_at => '2020-01-01') IS NOT NULL AS older;
SELECT cx.submit_feedback(source => 'till', source_key => '2', kind => 'social', comment => 'they are great', channel => 'forum', customer => '+49 30 1', customer_kind => 'phone', responded_at => '2026-03-05 10:00Z') IS NOT NULL AS written;
SELECT cx.submit_feedback(source => 'till', source_key => '3', kind => 'mystery', metric => 'nps', score => 2, touchpoint => 'shop', responded_at => '2026-03-05 10:00Z') IS NOT NULL AS written;
SELECT source, customer, touchpoint, metric, score, comment, channel, kind FROM imported WHERE source IN ('direct', 'till') ORDER BY source, key;
-- complaints, posts and visits never mix into scores
SELECT cx.responses(tally), tally FROM cx_data.tally_live JOIN cx_data.touchpoint USING (touchpoint_id) WHERE code = 'shop' AND hour = '2026-03-05 10:00Z';
-- errors: of single feedback the statement fails
\set VERBOSITY default
SELECT cx.submit_feedback(metric => 'nps', score => 11);
SELECT cx.submit_feedback(metric => 'nps', score => 'NaN');
SELECT cx.submit_feedback(metric => 'nps', score => 7.5);
SELECT cx.submit_feedback(metric => 'fun', score => 1);
SELECT cx.submit_feedback(score => 1);
SELECT cx.submit_feedback(metric => 'nps', score => 1, touchpoint => 'nowhere');
SELECT cx.submit_feedback(kind => 'rant');
SELECT cx.submit_feedback(responded_at => 'infinity');
SELECT cx.submit_feedback(responded_at => NULL);
SELECT cx.submit_feedback(source => NULL);
SELECT cx.submit_feedback(source_key => repeat('x', 2000));
CREATE TABLE answer (id integer PRIMARY KEY, at timestamptz);
SELECT cx.attach_feedback('attached', 'answer', key => 'id', responded_at => 'at');
SELECT cx.submit_feedback(source => 'attached');
SELECT * FROM cx.import_feedback('attached', '{}');
SELECT * FROM cx.import_feedback('nobody', '{}');
SELECT * FROM cx.import_feedback('till', '{}');
SELECT * FROM cx.import_feedback('typeform', NULL);
SELECT * FROM cx.import_csv('typeform', '"open');
SELECT cx.create_import('attached', 'typeform');
SELECT cx.create_import('x', 'telepathy');
SELECT cx.create_import('x', 'typeform', '[]');
SELECT cx.create_import('x', 'typeform', '{"nps": 7}');
SELECT cx.create_import('x', 'typeform', '{"nps": {"metrik": "nps"}}');
SELECT cx.create_import('x', 'typeform', '{"nps": {"metric": "fun"}}');
SELECT cx.create_import('x', 'typeform', '{"nps": {"answer": "$.a ? (@ =="}}');
SELECT cx.create_import('x', 'typeform', settings => '{"key": "token"}');
SELECT cx.create_import('x', 'typeform', settings => '{"time_zone": "Mars/Olympus"}');
SELECT cx.create_import('x', 'typeform', settings => '{"on_unknown": "ask"}');
SELECT cx.create_import('x', 'typeform', settings => '{"states": {"test": "$$"}}');
\set VERBOSITY terse
-- who imports needs the right to write feedback, and nothing more
CREATE ROLE cx_regress_hook;
GRANT USAGE ON SCHEMA cx_data TO cx_regress_hook;
GRANT SELECT ON cx_data.source, cx_data.import_format, cx_data.program TO cx_regress_hook;
SET ROLE cx_regress_hook;
SELECT * FROM cx.import_feedback('formbricks', '{"data": {"id": "r9", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"q1": 10}}}');
RESET ROLE;
GRANT INSERT, UPDATE ON cx_data.feedback TO cx_regress_hook;
SET ROLE cx_regress_hook;
SELECT * FROM cx.import_feedback('formbricks', '{"data": {"id": "r9", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"q1": 10}, "contactAttributes": {"userId": "new one"}}}');
SELECT count(*) FROM cx_data.feedback;
RESET ROLE;
SELECT * FROM imported WHERE key = 'r9/q1';

-- it takes no other rights, and gives none: not to read sources, not to say by what definition, not to note errors of one's own
REVOKE SELECT ON cx_data.source, cx_data.import_format, cx_data.program FROM cx_regress_hook;
SET ROLE cx_regress_hook;
SELECT * FROM cx.import_feedback('formbricks', '{"data": {"id": "r10", "finished": true, "createdAt": "2026-03-02T08:00:00Z", "data": {"q1": 10}}}');
SELECT * FROM cx.import_responses('formbricks', '{}', '{"key": "$.k"}');
SELECT cx.as_program_owner('note_lines', '{"source": "formbricks", "lines": [{"number": "anything", "fields": 1, "names": 2}]}');
RESET ROLE;

-- a version that failed is not tried again over one that came since, nor over what was put right by hand
SELECT cx.create_import('twice', 'cx', '{"": {"metric": "nps"}}');
SELECT * FROM cx.import_feedback('twice', '{"source_key": "a", "score": 3, "touchpoint": "web", "responded_at": "2026-06-01"}');
SELECT * FROM cx.import_feedback('twice', '{"source_key": "a", "score": 9, "touchpoint": "app", "responded_at": "2026-06-01"}');
SELECT cx.create_import('pair', 'formbricks', '{"q1": {"metric": "nps", "touchpoint": "app"}, "q2": {"metric": "nps", "touchpoint": "web"}}', '{"on_unknown": "create"}');
SELECT cx.create_import('pair', 'formbricks', '{"q1": {"metric": "nps", "touchpoint": "app"}, "q2": {"metric": "nps", "touchpoint": "later"}}');
SELECT * FROM cx.import_feedback('pair', '[{"data": {"id": "r", "finished": true, "createdAt": "2026-06-01T08:00:00Z", "data": {"q1": 2, "q2": 5}}}, {"data": {"id": "s", "finished": true, "createdAt": "2026-06-01T08:00:00Z", "data": {"q1": 2, "q2": 5}}}]');
UPDATE cx_data.feedback SET score = 8 WHERE source_key = 'r/q1';
DELETE FROM cx_data.feedback WHERE source_key = 's/q1';
INSERT INTO cx_data.touchpoint (code) VALUES ('web'), ('later');
CALL cx.maintain();
SELECT source, key, score FROM imported WHERE source IN ('twice', 'pair') ORDER BY source, key;
SELECT source, key, message FROM failed WHERE source IN ('twice', 'pair');
-- versions: one that failed is not lost to an older one or a partial one; an answer goes with a newer version that takes it back, whatever comes beside it, not with the same again
CREATE FUNCTION delivery(id text, answers jsonb, changed text, place text DEFAULT 'app', finished boolean DEFAULT true, event integer DEFAULT 1) RETURNS jsonb LANGUAGE sql RETURN
	jsonb_build_object('event_id', event, 'data', jsonb_build_object('id', id, 'createdAt', '2026-06-01T08:00Z', 'updatedAt', '2026-06-01T' || changed || 'Z', 'finished', finished, 'place', place, 'data', answers));
SELECT cx.create_import('version', 'formbricks', '{"q1": {"metric": "nps", "touchpoint": "$.data.place"}, "q2": {"metric": "nps", "touchpoint": "app"}}');
SELECT * FROM cx.import_feedback('version', delivery('failed', '{"q1": 2}', '10:00'));
SELECT * FROM cx.import_feedback('version', delivery('failed', '{"q1": 9}', '11:00', 'new'));
SELECT * FROM cx.import_feedback('version', delivery('failed', '{"q1": 2}', '10:00'));
SELECT * FROM cx.import_feedback('version', delivery('failed', '{"q1": 3}', '10:30', 'also new'));
SELECT * FROM cx.import_feedback('version', delivery('partial', '{"q1": 9}', '11:00', 'new'));
SELECT * FROM cx.import_feedback('version', delivery('partial', '{"q1": 9}', '12:00', 'new', false));
SELECT * FROM cx.import_feedback('version', jsonb_build_array(delivery('beside', '{"q1": 9, "q2": 4}', '10:00'), delivery('bad', '{"q1": "bad"}', '10:00'), delivery('beside', '{"q2": 3}', '11:00')));
SELECT * FROM cx.import_feedback('version', jsonb_build_array(delivery('again', '{"q1": 9}', '10:00'), delivery('again', '{"q1": 9}', '10:00', event => 2)));
SELECT * FROM cx.import_feedback('version', jsonb_build_array(delivery('again', '{}', '10:00'), delivery('again', '{}', '10:00', event => 2)));
SELECT key, message FROM failed WHERE source = 'version' ORDER BY key;
INSERT INTO cx_data.touchpoint (code) VALUES ('new');
CALL cx.maintain();
SELECT key, score FROM imported WHERE source = 'version' ORDER BY key;
SELECT key, message FROM failed WHERE source = 'version' ORDER BY key;
-- an export that lacks a column says nothing of its question
SELECT cx.create_import('columns', 'limesurvey', '{"Q1": {"metric": "csat", "touchpoint": "app"}, "Q2": {"metric": "ces", "touchpoint": "app"}}');
SELECT * FROM cx.import_csv('columns', E'"id","submitdate","token","Q1","Q2"\n"1","2026-06-30 10:00:00","x","4","6"\n');
SELECT * FROM cx.import_csv('columns', E'"id","submitdate","token","Q1"\n"1","2026-06-30 10:00:00","x","5"\n');
SELECT key, score FROM imported WHERE source = 'columns' ORDER BY key;
SELECT cx.create_import('x', 'formbricks', '{"q1": {"invitation": "$.data.token"}}');

-- one response that cannot be kept leaves the others alone
ALTER TABLE cx_data.feedback ADD CONSTRAINT short CHECK (length(comment) < 20) NOT VALID;
SELECT * FROM cx.import_feedback('twice', jsonb_build_array('{"source_key": "good", "score": 9, "responded_at": "2026-06-01"}'::jsonb, '{"source_key": "long", "score": 9, "comment": "more than twenty characters", "responded_at": "2026-06-01"}'::jsonb,
	jsonb_build_object('source_key', repeat('k', 2000), 'score', 9, 'responded_at', '2026-06-01')));
ALTER TABLE cx_data.feedback DROP CONSTRAINT short;
SELECT key, message FROM failed WHERE source = 'twice' ORDER BY key;
SELECT * FROM cx.import_feedback('web', '{}');
SELECT cx.create_import('parts', 'formbricks');
SELECT * FROM cx.import_feedback('parts', jsonb_build_array('{"data": {"finished": false, "n": 1}}'::jsonb, '{"data": {"finished": false, "n": 2}}'::jsonb, jsonb_build_object('data', jsonb_build_object('id', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 400) AS i), 'finished', false))));
SELECT count(*), count(key) FROM apart WHERE source = 'parts';
-- customer_kind code is none; a token and names of another kind do not go together
SELECT cx.submit_feedback(source => 'till', source_key => '4', metric => 'nps', score => 9, customer => 'anna', customer_kind => 'code', responded_at => '2026-03-05 10:00Z') IS NOT NULL AS written;
SELECT customer FROM imported WHERE source = 'till' AND key = '4';
SELECT cx.create_import('x', 'typeform', settings => '{"customer_kind": "phone", "invitation": "$.form_response.hidden.token"}');
-- what is large is read in parts
SELECT inserted FROM cx.import_feedback('twice', jsonb_build_object('source_key', 'large', 'score', 9, 'comment', repeat('x', 6000000), 'responded_at', '2026-06-01'));

-- clean up
DROP OWNED BY cx_regress_hook;
DROP ROLE cx_regress_hook;
SELECT cx.detach_source('attached');
DROP VIEW imported, failed, apart;
DROP FUNCTION delivery;
DROP TABLE answer;
SET client_min_messages = warning;
CALL cx.drop_program(with_feedback => true);
