-- A made-up telecom operator, from 2025-07-01 to 2026-06-30, as its own
-- systems would hold it: customers and plans, bills, network incidents,
-- support tickets and three surveys.  Nothing in here belongs to cx.
--
-- Every value follows from its row number by a hash, so each load gives the
-- same data on every server.  What a reader can discover in it:
--   * billing is the worst touchpoint, and a bill far above the usual one is why
--   * in June 2026 a release of the app made paying fail
--   * the region South has suffered from network incidents since February 2026
--   * answers by SMS are lower than those by e-mail, and their share doubled in
--     April 2026: both channels rose since then, yet the total fell
--   * a support ticket that waits long or comes back is scored low
--   * customers with high bills, incidents and slow tickets leave more often
--   * most orders of a plan are lost where the identity is checked, above all in
--     the app, where it takes days; since the release of June also where one pays

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET timezone = 'UTC';

CREATE SCHEMA telecom;
COMMENT ON SCHEMA telecom IS 'made-up telecom operator, 2025-07-01 to 2026-06-30';

CREATE FUNCTION telecom.today() RETURNS timestamptz
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN timestamptz '2026-07-01 00:00:00+00';
COMMENT ON FUNCTION telecom.today() IS 'the day on which the examples look at the data';

-- A number in [0, 1) that depends only on the row and the purpose it is drawn for.
CREATE FUNCTION telecom.uniform(row_number bigint, purpose integer) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (hashint8extended(row_number, purpose) & 9007199254740991) / 9007199254740992.0::double precision;

-- About standard normal: four uniform numbers added up.
CREATE FUNCTION telecom.normal(row_number bigint, purpose integer) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (telecom.uniform(row_number, purpose) + telecom.uniform(row_number, purpose + 1)
		+ telecom.uniform(row_number, purpose + 2) + telecom.uniform(row_number, purpose + 3) - 2) * 1.7320508;

-- A score on a scale, around a level.
CREATE FUNCTION telecom.answer(level double precision, low integer, high integer) RETURNS smallint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN least(greatest(round(level), low), high)::smallint;

---------------------------------------------------------------------------
-- Regions, plans, customers

CREATE TABLE telecom.region (
	region_id integer PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text NOT NULL
);
COMMENT ON TABLE telecom.region IS 'sales regions';
INSERT INTO telecom.region VALUES
	(1, 'north', 'North'), (2, 'east', 'East'), (3, 'south', 'South'), (4, 'west', 'West'), (5, 'central', 'Central');

CREATE TABLE telecom.plan (
	plan_id integer PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text NOT NULL,
	monthly_fee numeric(8,2) NOT NULL
);
COMMENT ON TABLE telecom.plan IS 'tariffs; monthly_fee in EUR';
INSERT INTO telecom.plan VALUES
	(1, 'basic', 'Basic 5 GB', 9.90), (2, 'smart', 'Smart 20 GB', 19.90), (3, 'family', 'Family 60 GB', 39.90),
	(4, 'unlimited', 'Unlimited', 49.90), (5, 'business', 'Business', 69.90);

CREATE TABLE telecom.customer (
	customer_id bigint PRIMARY KEY,
	code text NOT NULL UNIQUE,
	name text NOT NULL,
	segment text NOT NULL CHECK (segment IN ('consumer', 'family', 'business')),
	region_id integer NOT NULL REFERENCES telecom.region,
	plan_id integer NOT NULL REFERENCES telecom.plan,
	language text NOT NULL CHECK (language IN ('en', 'zh')),
	phone text NOT NULL,
	joined_on date NOT NULL,
	left_on date
);
COMMENT ON TABLE telecom.customer IS 'customers, those who left included';
COMMENT ON COLUMN telecom.customer.left_on IS 'day of the cancellation, NULL for those who stay';

INSERT INTO telecom.customer
SELECT id, 'C' || lpad(id::text, 6, '0'),
	CASE WHEN language = 'zh'
		THEN (ARRAY['王','李','张','刘','陈','杨','赵','黄','周','吴'])[1 + floor(10 * telecom.uniform(id, 11))::int]
			|| (ARRAY['伟','芳','娜','敏','静','磊','洋','艳','勇','杰'])[1 + floor(10 * telecom.uniform(id, 12))::int]
		ELSE (ARRAY['Anna','Ben','Clara','David','Emma','Felix','Grace','Henry','Ida','Jonas'])[1 + floor(10 * telecom.uniform(id, 11))::int]
			|| ' ' || (ARRAY['Adams','Baker','Clark','Davis','Evans','Foster','Green','Hill','Irving','Jones'])[1 + floor(10 * telecom.uniform(id, 12))::int]
	END,
	segment, region_id,
	CASE segment WHEN 'business' THEN 5 WHEN 'family' THEN 3
		ELSE (ARRAY[1, 1, 2, 2, 2, 4])[1 + floor(6 * telecom.uniform(id, 13))::int] END,
	language, '+49170' || lpad((hashint8extended(id, 14) & 16777215)::text, 8, '0'),
	date '2019-01-01' + floor(2600 * sqrt(telecom.uniform(id, 15)))::int, NULL
FROM (SELECT id,
		(ARRAY['consumer','consumer','consumer','consumer','family','family','business'])[1 + floor(7 * telecom.uniform(id, 16))::int] AS segment,
		(ARRAY[1, 1, 2, 2, 2, 3, 3, 4, 4, 5])[1 + floor(10 * telecom.uniform(id, 17))::int] AS region_id,
		CASE WHEN telecom.uniform(id, 18) < 0.45 THEN 'zh' ELSE 'en' END AS language
	FROM generate_series(1, 24000) AS id) AS drawn;

---------------------------------------------------------------------------
-- Bills: one a month, now and then far above the fee

CREATE TABLE telecom.bill (
	bill_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	month date NOT NULL,
	amount numeric(8,2) NOT NULL,
	overage numeric(8,2) NOT NULL,
	due_on date NOT NULL,
	paid_at timestamptz
);
COMMENT ON TABLE telecom.bill IS 'monthly bills in EUR';
COMMENT ON COLUMN telecom.bill.overage IS 'part of the amount beyond the monthly fee';

INSERT INTO telecom.bill (customer_id, month, amount, overage, due_on, paid_at)
SELECT customer_id, month, monthly_fee + overage, overage, due_on,
	due_on + interval '1 day' * (CASE WHEN telecom.uniform(row_id, 21) < 0.05 THEN 20 ELSE 5 END * telecom.uniform(row_id, 22) - 5)
FROM (SELECT c.customer_id, m::date AS month, p.monthly_fee, c.customer_id * 100 + extract(month FROM m)::int AS row_id,
		(m + interval '1 month 14 days')::date AS due_on,
		CASE WHEN telecom.uniform(c.customer_id * 100 + extract(month FROM m)::int, 23) < 0.06
			THEN round((20 + 60 * telecom.uniform(c.customer_id, 24))::numeric, 2) ELSE 0 END AS overage
	FROM telecom.customer AS c
	JOIN telecom.plan AS p USING (plan_id)
	CROSS JOIN generate_series(timestamp '2025-07-01', timestamp '2026-06-01', interval '1 month') AS m
	WHERE c.joined_on < m) AS drawn
ORDER BY month, customer_id;
CREATE INDEX ON telecom.bill (customer_id, month);

---------------------------------------------------------------------------
-- Network incidents: a few everywhere, many in South since February 2026

CREATE TABLE telecom.incident (
	incident_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	region_id integer NOT NULL REFERENCES telecom.region,
	kind text NOT NULL CHECK (kind IN ('outage', 'slow data', 'dropped calls')),
	severity integer NOT NULL CHECK (severity BETWEEN 1 AND 4),
	started_at timestamptz NOT NULL,
	ended_at timestamptz NOT NULL
);
COMMENT ON TABLE telecom.incident IS 'network incidents by region; severity 1 is the worst';

INSERT INTO telecom.incident (region_id, kind, severity, started_at, ended_at)
SELECT region_id, (ARRAY['outage', 'slow data', 'dropped calls'])[1 + floor(3 * telecom.uniform(id, 31))::int],
	1 + floor(4 * sqrt(telecom.uniform(id, 32)))::int, started_at,
	started_at + interval '1 minute' * (20 + 600 * power(telecom.uniform(id, 33), 3))
FROM (SELECT id,
		CASE WHEN id <= 300 THEN 1 + (id % 5) ELSE 3 END AS region_id,
		CASE WHEN id <= 300 THEN timestamptz '2025-07-01 00:00+00' + interval '1 hour' * (8760 * telecom.uniform(id, 34))
			ELSE timestamptz '2026-02-03 00:00+00' + interval '1 hour' * (3500 * telecom.uniform(id, 34)) END AS started_at
	FROM generate_series(1, 420) AS id) AS drawn
ORDER BY started_at;

---------------------------------------------------------------------------
-- Support tickets

CREATE TABLE telecom.support_ticket (
	ticket_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	channel text NOT NULL CHECK (channel IN ('phone', 'chat', 'email', 'store')),
	topic text NOT NULL CHECK (topic IN ('bill', 'network', 'contract', 'device', 'app')),
	opened_at timestamptz NOT NULL,
	first_response_at timestamptz,
	solved_at timestamptz,
	reopened boolean NOT NULL
);
COMMENT ON TABLE telecom.support_ticket IS 'support tickets';

INSERT INTO telecom.support_ticket (customer_id, channel, topic, opened_at, first_response_at, solved_at, reopened)
SELECT customer_id,
	(ARRAY['phone', 'phone', 'chat', 'chat', 'email', 'store'])[1 + floor(6 * telecom.uniform(id, 41))::int],
	CASE WHEN opened_at >= '2026-06-03' AND telecom.uniform(id, 42) < 0.3 THEN 'app'
		ELSE (ARRAY['bill', 'bill', 'network', 'network', 'contract', 'device', 'app'])[1 + floor(7 * telecom.uniform(id, 43))::int] END,
	opened_at, first_response_at,
	nullif(least(first_response_at + interval '1 hour' * (1 + 90 * power(telecom.uniform(id, 44), 3)), telecom.today()), telecom.today()),
	telecom.uniform(id, 45) < 0.12
FROM (SELECT id, customer_id, opened_at,
		opened_at + interval '1 minute' * (5 + 3000 * power(telecom.uniform(id, 46), 7)) AS first_response_at
	FROM (SELECT id, 1 + floor(24000 * telecom.uniform(id, 47))::bigint AS customer_id,
			timestamptz '2025-07-01 08:00+00' + interval '1 day' * floor(364 * telecom.uniform(id, 48))
				+ interval '1 minute' * (720 * telecom.uniform(id, 49)) AS opened_at
		FROM generate_series(1, 48000) AS id) AS times) AS drawn
JOIN telecom.customer USING (customer_id)
WHERE joined_on < opened_at
ORDER BY opened_at, id;
CREATE INDEX ON telecom.support_ticket (customer_id, opened_at);

---------------------------------------------------------------------------
-- What customers write

CREATE TABLE telecom.phrase (
	touchpoint text NOT NULL,
	mood text NOT NULL CHECK (mood IN ('good', 'bad')),
	language text NOT NULL,
	number integer NOT NULL,
	body text NOT NULL,
	PRIMARY KEY (touchpoint, mood, language, number)
);
COMMENT ON TABLE telecom.phrase IS 'phrases that comments are made of';
INSERT INTO telecom.phrase VALUES
	('store', 'good', 'en', 0, 'Friendly staff, everything explained.'),
	('store', 'good', 'en', 1, 'In and out with my new phone in ten minutes.'),
	('store', 'bad', 'en', 0, 'Waited forty minutes and nobody cared.'),
	('store', 'bad', 'en', 1, 'They sold me an option I did not want.'),
	('store', 'good', 'zh', 0, '店员很热情，讲解得很清楚。'),
	('store', 'good', 'zh', 1, '办理很快，十分钟就拿到了新手机。'),
	('store', 'bad', 'zh', 0, '排队等了四十分钟，没有人理我。'),
	('store', 'bad', 'zh', 1, '给我加了我不需要的套餐。'),
	('activation', 'good', 'en', 0, 'The SIM worked right away.'),
	('activation', 'good', 'en', 1, 'Number moved over within an hour, great.'),
	('activation', 'bad', 'en', 0, 'No service for two days after the switch.'),
	('activation', 'bad', 'en', 1, 'The identity check failed three times.'),
	('activation', 'good', 'zh', 0, '卡插上就能用，很方便。'),
	('activation', 'good', 'zh', 1, '携号转网一个小时就完成了。'),
	('activation', 'bad', 'zh', 0, '开通后两天没有信号。'),
	('activation', 'bad', 'zh', 1, '实名认证失败了三次。'),
	('network', 'good', 'en', 0, 'Fast everywhere, even on the train.'),
	('network', 'good', 'en', 1, 'Coverage at home is excellent.'),
	('network', 'bad', 'en', 0, 'Calls drop every evening.'),
	('network', 'bad', 'en', 1, 'Another outage this week, data is useless.'),
	('network', 'good', 'zh', 0, '网速很快，坐火车也很稳定。'),
	('network', 'good', 'zh', 1, '家里信号非常好。'),
	('network', 'bad', 'zh', 0, '每天晚上通话都断线。'),
	('network', 'bad', 'zh', 1, '这周又断网了，根本没法用。'),
	('app', 'good', 'en', 0, 'I can do everything in the app.'),
	('app', 'good', 'en', 1, 'Clear and quick, well done.'),
	('app', 'bad', 'en', 0, 'Paying in the app fails with an error.'),
	('app', 'bad', 'en', 1, 'Since the update I have to log in every time.'),
	('app', 'good', 'zh', 0, '所有业务都能在手机上办，很方便。'),
	('app', 'good', 'zh', 1, '界面清楚，速度快。'),
	('app', 'bad', 'zh', 0, '在应用里付款总是出错。'),
	('app', 'bad', 'zh', 1, '更新以后每次都要重新登录。'),
	('billing', 'good', 'en', 0, 'The bill is clear and always right.'),
	('billing', 'good', 'en', 1, 'Easy to pay, no surprises.'),
	('billing', 'bad', 'en', 0, 'Charged for roaming I never used.'),
	('billing', 'bad', 'en', 1, 'The bill doubled and nobody can explain why.'),
	('billing', 'good', 'zh', 0, '账单清楚，从不出错。'),
	('billing', 'good', 'zh', 1, '缴费方便，没有乱收费。'),
	('billing', 'bad', 'zh', 0, '我没用过漫游却被扣费。'),
	('billing', 'bad', 'zh', 1, '话费翻了一倍，没有人能解释。'),
	('support', 'good', 'en', 0, 'The agent solved it in one call.'),
	('support', 'good', 'en', 1, 'Patient, polite and competent.'),
	('support', 'bad', 'en', 0, 'Called four times, told my story four times.'),
	('support', 'bad', 'en', 1, 'Two days until somebody answered.'),
	('support', 'good', 'zh', 0, '客服一次就解决了问题。'),
	('support', 'good', 'zh', 1, '很耐心，也很专业。'),
	('support', 'bad', 'zh', 0, '打了四次电话，每次都要重新说一遍。'),
	('support', 'bad', 'zh', 1, '等了两天才有人回复。');

---------------------------------------------------------------------------
-- Survey "would you recommend us", 0-10, after six touchpoints

CREATE TABLE telecom.nps_answer (
	answer_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	touchpoint text NOT NULL,
	channel text NOT NULL CHECK (channel IN ('email', 'sms')),
	score smallint CHECK (score BETWEEN 0 AND 10),
	comment text,
	responded_at timestamptz NOT NULL
);
COMMENT ON TABLE telecom.nps_answer IS 'answers to "would you recommend us", 0-10';
COMMENT ON COLUMN telecom.nps_answer.score IS '0-10, NULL if only the comment was filled in';

INSERT INTO telecom.nps_answer (customer_id, touchpoint, channel, score, comment, responded_at)
SELECT customer_id, touchpoint, channel, score,
	CASE WHEN telecom.uniform(id, 51) < 0.3 THEN
		(SELECT body FROM telecom.phrase AS p
		 WHERE p.touchpoint = scored.touchpoint AND p.language = scored.language
			AND p.mood = CASE WHEN coalesce(score, 5) >= 7 THEN 'good' ELSE 'bad' END
			AND p.number = floor(2 * telecom.uniform(id, 52))::int) END,
	responded_at
FROM (SELECT id, customer_id, touchpoint, channel, language, responded_at,
		CASE WHEN telecom.uniform(id, 53) >= 0.01 THEN
			telecom.answer(
				CASE touchpoint WHEN 'store' THEN 8.9 WHEN 'activation' THEN 8.6 WHEN 'network' THEN 8.3
					WHEN 'app' THEN 8.5 WHEN 'billing' THEN 7.3 ELSE 8.0 END
				- CASE WHEN channel = 'sms' THEN 1.3 ELSE 0 END
				+ CASE WHEN responded_at >= '2026-04-01' THEN 0.25 ELSE 0 END
				- CASE WHEN touchpoint = 'app' AND responded_at >= '2026-06-03' THEN 0.9 ELSE 0 END
				- CASE WHEN touchpoint = 'network' AND region_id = 3 AND responded_at >= '2026-02-03' THEN 1.1 ELSE 0 END
				- CASE WHEN touchpoint = 'billing' AND overage > 0 THEN 3.0 ELSE 0 END
				+ CASE segment WHEN 'business' THEN -0.3 WHEN 'family' THEN 0.2 ELSE 0 END
				+ 2.2 * telecom.normal(id, 54), 0, 10) END AS score
	FROM (SELECT drawn.*, c.segment, c.region_id, c.language,
			CASE WHEN telecom.uniform(id, 58) < CASE WHEN responded_at >= '2026-04-01' THEN 0.6 ELSE 0.3 END
				THEN 'sms' ELSE 'email' END AS channel,
			coalesce(b.overage, 0) AS overage
		FROM (SELECT id, 1 + floor(24000 * telecom.uniform(id, 59))::bigint AS customer_id,
				(ARRAY['store','activation','network','network','app','app','billing','billing','support'])[1 + floor(9 * telecom.uniform(id, 60))::int] AS touchpoint,
				timestamptz '2025-07-01 07:00+00' + interval '1 day' * floor(365 * telecom.uniform(id, 61))
					+ interval '1 second' * floor(3600 * 15 * (telecom.uniform(id, 62) + telecom.uniform(id, 63)) / 2) AS responded_at
			FROM generate_series(1, 180000) AS id) AS drawn
		JOIN telecom.customer AS c USING (customer_id)
		LEFT JOIN telecom.bill AS b ON b.customer_id = c.customer_id
			AND b.month = date_trunc('month', responded_at - interval '1 month')::date
		WHERE c.joined_on < responded_at) AS facts) AS scored
ORDER BY responded_at, id;

---------------------------------------------------------------------------
-- Survey "how satisfied were you with our help", 1-5, after a support ticket

CREATE TABLE telecom.csat_answer (
	answer_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	ticket_id bigint NOT NULL REFERENCES telecom.support_ticket,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	score integer NOT NULL CHECK (score BETWEEN 1 AND 5),
	responded_at timestamptz NOT NULL
);
COMMENT ON TABLE telecom.csat_answer IS 'answers to "how satisfied were you with our help", 1-5, after a support ticket';

INSERT INTO telecom.csat_answer (ticket_id, customer_id, score, responded_at)
SELECT ticket_id, customer_id,
	telecom.answer(4.5 - 0.7 * ln(1 + extract(epoch FROM first_response_at - opened_at) / 7200)::double precision
		- CASE WHEN reopened THEN 1.2 ELSE 0 END + 0.8 * telecom.normal(ticket_id, 71), 1, 5),
	solved_at + interval '1 hour' * (1 + 30 * telecom.uniform(ticket_id, 75))
FROM telecom.support_ticket
WHERE telecom.uniform(ticket_id, 76) < 0.8 AND solved_at < telecom.today() - interval '32 hours'
ORDER BY solved_at, ticket_id;

---------------------------------------------------------------------------
-- Survey "we made it easy", 1-7, higher is easier, after a task in app, shop or call

CREATE TABLE telecom.effort_answer (
	answer_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	task text NOT NULL CHECK (task IN ('pay a bill', 'change plan', 'report a fault', 'buy a device')),
	channel text NOT NULL CHECK (channel IN ('app', 'phone', 'store')),
	score integer NOT NULL CHECK (score BETWEEN 1 AND 7),
	responded_at timestamptz NOT NULL
);
COMMENT ON TABLE telecom.effort_answer IS 'answers to "we made it easy for you", 1-7, 7 is easiest';

INSERT INTO telecom.effort_answer (customer_id, task, channel, score, responded_at)
SELECT customer_id, task, channel,
	telecom.answer(CASE task WHEN 'pay a bill' THEN 6.2 WHEN 'buy a device' THEN 5.6 WHEN 'change plan' THEN 5.0 ELSE 4.4 END
		- CASE channel WHEN 'phone' THEN 0.7 WHEN 'store' THEN 0.3 ELSE 0 END
		- CASE WHEN channel = 'app' AND task = 'pay a bill' AND responded_at >= '2026-06-03' THEN 2.5 ELSE 0 END
		+ 1.3 * telecom.normal(id, 81), 1, 7),
	responded_at
FROM (SELECT id, 1 + floor(24000 * telecom.uniform(id, 85))::bigint AS customer_id,
		(ARRAY['pay a bill', 'pay a bill', 'change plan', 'report a fault', 'buy a device'])[1 + floor(5 * telecom.uniform(id, 86))::int] AS task,
		(ARRAY['app', 'app', 'phone', 'store'])[1 + floor(4 * telecom.uniform(id, 87))::int] AS channel,
		timestamptz '2025-07-01 07:00+00' + interval '1 day' * floor(365 * telecom.uniform(id, 88))
			+ interval '1 second' * floor(3600 * 15 * telecom.uniform(id, 89)) AS responded_at
	FROM generate_series(1, 45000) AS id) AS drawn
JOIN telecom.customer USING (customer_id)
WHERE joined_on < responded_at
ORDER BY responded_at, id;

---------------------------------------------------------------------------
-- Who left: more of those with high bills, slow tickets and a bad network

UPDATE telecom.customer AS c
SET left_on = date '2026-01-01' + floor(180 * telecom.uniform(c.customer_id, 91))::int
FROM (SELECT c.customer_id,
		0.04 + 0.05 * least(coalesce(b.shocks, 0), 3) + 0.06 * least(coalesce(t.slow, 0), 3)
			+ CASE WHEN c.region_id = 3 THEN 0.06 ELSE 0 END
			- CASE WHEN c.joined_on < '2022-01-01' THEN 0.03 ELSE 0 END AS risk
	FROM telecom.customer AS c
	LEFT JOIN (SELECT customer_id, count(*) AS shocks FROM telecom.bill
		WHERE overage > 0 AND month < '2026-01-01' GROUP BY customer_id) AS b USING (customer_id)
	LEFT JOIN (SELECT customer_id, count(*) AS slow FROM telecom.support_ticket
		WHERE first_response_at - opened_at > interval '8 hours' AND opened_at < '2026-01-01' GROUP BY customer_id) AS t USING (customer_id)
	) AS risks
WHERE risks.customer_id = c.customer_id AND c.joined_on < '2025-12-01' AND telecom.uniform(c.customer_id, 92) < risks.risk;

-- who has left gets no more bills and surveys
DELETE FROM telecom.bill AS b USING telecom.customer AS c WHERE c.customer_id = b.customer_id AND b.month >= c.left_on;
DELETE FROM telecom.nps_answer AS a USING telecom.customer AS c WHERE c.customer_id = a.customer_id AND a.responded_at >= c.left_on;
DELETE FROM telecom.effort_answer AS a USING telecom.customer AS c WHERE c.customer_id = a.customer_id AND a.responded_at >= c.left_on;

---------------------------------------------------------------------------
-- Orders of another plan: how far each attempt went, step by step

CREATE TABLE telecom.order_step (
	step_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES telecom.customer,
	channel text NOT NULL CHECK (channel IN ('app', 'web', 'store')),
	step text NOT NULL CHECK (step IN ('plans seen', 'plan chosen', 'identity checked', 'paid', 'activated', 'first use')),
	at timestamptz NOT NULL
);
COMMENT ON TABLE telecom.order_step IS 'orders of another plan, a row for each step that the customer took';

INSERT INTO telecom.order_step (customer_id, channel, step, at)
WITH attempt AS (
	SELECT id, 1 + floor(24000 * telecom.uniform(id, 101))::bigint AS customer_id,
		(ARRAY['app', 'app', 'app', 'app', 'web', 'web', 'web', 'store'])[1 + floor(8 * telecom.uniform(id, 102))::int] AS channel,
		timestamptz '2026-01-01 07:00+00' + interval '1 day' * floor(181 * telecom.uniform(id, 103)) + interval '1 second' * floor(3600 * 14 * telecom.uniform(id, 104)) AS at
	FROM generate_series(1, 16000) AS id
),
-- the chance that each step follows, and how many seconds it takes in the mean
rule AS (
	SELECT a.id, r.number, r.step, r.chance, r.seconds
	FROM attempt AS a, LATERAL (VALUES
		(2, 'plan chosen', CASE channel WHEN 'app' THEN 0.56 WHEN 'web' THEN 0.60 ELSE 0.82 END, 900),
		(3, 'identity checked', CASE channel WHEN 'app' THEN 0.52 WHEN 'web' THEN 0.66 ELSE 0.97 END, CASE channel WHEN 'app' THEN 130000 WHEN 'web' THEN 40000 ELSE 600 END),
		(4, 'paid', CASE WHEN channel = 'app' AND at >= '2026-06-03' THEN 0.42 ELSE 0.91 END, 1500),
		(5, 'activated', 0.94, 70000),
		(6, 'first use', 0.88, 50000)) AS r (number, step, chance, seconds)
),
taken AS (
	SELECT *, bool_and(telecom.uniform(id, 104 + number) < chance) OVER so_far AS goes_on,
		sum(-ln(1 - telecom.uniform(id, 110 + number)) * seconds) OVER so_far AS after_seconds
	FROM rule
	WINDOW so_far AS (PARTITION BY id ORDER BY number)
)
SELECT customer_id, channel, step, at
FROM (SELECT id, customer_id, channel, 'plans seen' AS step, at FROM attempt
	UNION ALL
	SELECT id, a.customer_id, a.channel, t.step, a.at + interval '1 second' * round(t.after_seconds) FROM taken AS t JOIN attempt AS a USING (id) WHERE t.goes_on) AS happened
JOIN telecom.customer USING (customer_id)
WHERE joined_on < at AND (left_on IS NULL OR left_on > at) AND at < telecom.today()
ORDER BY at, id, step;

---------------------------------------------------------------------------
-- What was known of the customers on a day, and who left in the half year after
-- it: everything but the last column comes from before the day

CREATE INDEX ON telecom.nps_answer (customer_id, responded_at);
CREATE INDEX ON telecom.effort_answer (customer_id, responded_at);

CREATE FUNCTION telecom.customer_on(day date) RETURNS TABLE (customer_id bigint, segment text, plan text, region text, language text, months_with_us integer,
		high_bills bigint, overage numeric, late_payments bigint, tickets bigint, slow_tickets bigint, reopened_tickets bigint,
		last_nps integer, mean_effort double precision, left_within_6_months boolean)
	LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT c.customer_id, c.segment, p.name, r.name, c.language, (day - c.joined_on) / 30,
		b.high_bills, b.overage, b.late_payments, t.tickets, t.slow_tickets, t.reopened_tickets,
		(SELECT a.score FROM telecom.nps_answer AS a WHERE a.customer_id = c.customer_id AND a.responded_at < day AND a.score IS NOT NULL ORDER BY a.responded_at DESC LIMIT 1),
		(SELECT avg(e.score) FROM telecom.effort_answer AS e WHERE e.customer_id = c.customer_id AND e.responded_at < day),
		CASE WHEN day + 181 <= telecom.today() THEN c.left_on IS NOT NULL AND c.left_on < day + 181 END
	FROM telecom.customer AS c
	JOIN telecom.plan AS p USING (plan_id)
	JOIN telecom.region AS r USING (region_id)
	CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE overage > 0) AS high_bills, coalesce(sum(overage), 0) AS overage, count(*) FILTER (WHERE paid_at > due_on + 1) AS late_payments
		FROM telecom.bill WHERE bill.customer_id = c.customer_id AND month < day AND month >= day - 184) AS b
	CROSS JOIN LATERAL (SELECT count(*) AS tickets, count(*) FILTER (WHERE first_response_at - opened_at > interval '8 hours') AS slow_tickets, count(*) FILTER (WHERE reopened) AS reopened_tickets
		FROM telecom.support_ticket WHERE support_ticket.customer_id = c.customer_id AND opened_at < day AND opened_at >= day - 184) AS t
	WHERE c.joined_on < day AND (c.left_on IS NULL OR c.left_on >= day)
$$;
COMMENT ON FUNCTION telecom.customer_on(date) IS 'the customers of a day with what was known of them then, of the 184 days before it where counts are; left_within_6_months is NULL where that is not over yet';

VACUUM ANALYZE;
