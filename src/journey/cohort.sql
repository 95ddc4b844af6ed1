-- Who stays, who leaves and who comes back, of the customers that a query gives.
--
-- The query is the caller's: it runs with the caller's rights and search_path, so
-- these functions set none, and what is their own is qualified or of exactly the
-- types of an operator in pg_catalog.  They are not for parallel plans: the query may
-- do what a parallel worker cannot, and a library that is loaded while a parallel plan
-- runs cannot take over what was SET for it before.

CREATE FUNCTION cx.require_argument(name text, is_given boolean) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT is_given THEN
		RAISE EXCEPTION '% must not be null', name USING ERRCODE = 'null_value_not_allowed';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_argument(text, boolean) IS 'error unless an argument is given; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.require_time(name text, at timestamptz) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_argument(name, at IS NOT NULL);
	IF NOT isfinite(at) THEN
		RAISE EXCEPTION '% must not be infinite', name USING ERRCODE = 'datetime_field_overflow';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.require_time(text, timestamptz) IS 'error unless an argument is a finite time; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.exact_length(name text, length interval) RETURNS interval
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_argument(name, length IS NOT NULL);
	IF extract(year FROM length) <> 0 OR extract(month FROM length) <> 0 THEN
		RAISE EXCEPTION '% must not have months or years', name
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Their length varies; give days, such as interval ''90 days''.';
	END IF;
	IF NOT isfinite(length) OR extract(epoch FROM length) NOT BETWEEN 0.000001 AND 36500 * 86400.0 THEN
		RAISE EXCEPTION '% must be positive and at most 36500 days', name USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN make_interval(hours => 24 * extract(day FROM length)::integer) + (length - make_interval(days => extract(day FROM length)::integer));
END
$$;
COMMENT ON FUNCTION cx.exact_length(text, interval) IS 'a length of time with its days as 24 hours each, so that adding it to a time does not depend on a time zone; error if NULL, not positive, above 36500 days or with months or years; support function of churn_rate and repurchase_rate';

CREATE FUNCTION cx.share_estimate(part bigint, whole bigint, confidence double precision) RETURNS cx.estimate
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN cx.csat_estimate(CASE WHEN whole > 0 AND part IS NOT NULL THEN format('{0:%s,1:%s}', whole - part, part)::cx.tally END, 1, confidence);
COMMENT ON FUNCTION cx.share_estimate(bigint, bigint, double precision) IS 'part in percent of whole with the Wilson score interval of csat_estimate; NULL if whole is 0 or part is NULL; confidence is a share between 0 and 1';

CREATE FUNCTION cx.customer_query(query text, times text[]) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS $$
DECLARE
	source text;
	wanted text;
	type pg_catalog.regtype;
BEGIN
	PERFORM cx.query_columns(query, VARIADIC pg_catalog.array_prepend('customer'::text, times));
	source := cx.query_subselect(query) || ' AS q'::text;
	FOREACH wanted IN ARRAY times LOOP
		EXECUTE pg_catalog.format('SELECT pg_catalog.pg_typeof(q.%I) FROM (SELECT) AS one LEFT JOIN %s ON false', wanted, source) INTO type;
		IF type <> 'pg_catalog.timestamptz'::pg_catalog.regtype THEN
			RAISE EXCEPTION 'column "%" of the query is of type %, not timestamp with time zone', wanted, type
				USING ERRCODE = 'datatype_mismatch', HINT = pg_catalog.format('Say in which zone its times are: %1$I::timestamp AT TIME ZONE ''Europe/Berlin'' AS %1$I.', wanted);
		END IF;
	END LOOP;
	RETURN source;
END
$$;
COMMENT ON FUNCTION cx.customer_query(text, text[]) IS 'a query as q, to be put behind FROM, after checking that it gives a column customer and these columns of type timestamptz; error that names the column if not; support function of cohort_retention, churn_rate and repurchase_rate';

CREATE FUNCTION cx.cohort_retention(query text, grain text DEFAULT 'month', periods integer DEFAULT 12, as_of timestamptz DEFAULT cx.as_of(), zone text DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (cohort timestamptz, period integer, customers bigint, active bigint, retention double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, '{at}');
	step CONSTANT interval := (CASE pg_catalog.lower(grain) WHEN 'day' THEN '1 day' WHEN 'week' THEN '7 days' WHEN 'month' THEN '1 month' WHEN 'quarter' THEN '3 months' WHEN 'year' THEN '1 year' END)::interval;
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
BEGIN
	IF step IS NULL THEN
		RAISE EXCEPTION 'grain "%" is not known', grain USING ERRCODE = 'invalid_parameter_value', HINT = 'Use day, week, month, quarter or year.';
	END IF;
	IF (periods BETWEEN 0 AND 10000) IS NOT TRUE THEN
		RAISE EXCEPTION 'periods % is outside 0..10000', periods USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM cx.require_time('as_of', observed_until);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	-- grains are cut and counted in local time, in which they are all alike; a given zone is looked up as date_trunc does, the session's is not a name
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH visit AS (
			SELECT q.customer, pg_catalog.date_trunc($1, CASE WHEN $4 IS NULL THEN q.at::pg_catalog.timestamp ELSE pg_catalog.timezone($4, q.at) END) AS start
			FROM %s
			WHERE q.customer IS NOT NULL AND pg_catalog.isfinite(q.at) AND q.at <= $3
			GROUP BY 1, 2
		), member AS (
			SELECT pg_catalog.min(v.start) OVER (PARTITION BY v.customer) AS cohort, v.start FROM visit AS v
		), active AS (
			SELECT m.cohort, m.start, pg_catalog.count(*) AS customers FROM member AS m GROUP BY m.cohort, m.start
		), observed AS (
			SELECT CASE WHEN $4 IS NULL THEN $3::pg_catalog.timestamp ELSE pg_catalog.timezone($4, $3) END AS until
		), cell AS (
			-- in its first period everybody of a cohort is active
			SELECT c.cohort, p.period, c.customers, CASE WHEN c.cohort + (p.period + 1)::pg_catalog.float8 * $2 <= o.until THEN COALESCE(a.customers, 0::pg_catalog.int8) END AS active
			FROM active AS c
			CROSS JOIN observed AS o
			CROSS JOIN pg_catalog.generate_series(0, $5) AS p (period)
			LEFT JOIN active AS a ON a.cohort = c.cohort AND a.start = c.cohort + p.period::pg_catalog.float8 * $2
			WHERE c.start = c.cohort
		)
		SELECT CASE WHEN $4 IS NULL THEN c.cohort::pg_catalog.timestamptz ELSE pg_catalog.timezone($4, c.cohort) END, c.period, c.customers, c.active, e.value, e.lower, e.upper
		FROM cell AS c CROSS JOIN LATERAL cx.share_estimate(c.active, c.customers, $6) AS e
		ORDER BY c.cohort, c.period$query$, source)
	USING pg_catalog.lower(grain), step, observed_until, zone, periods, confidence;
END
$$;
COMMENT ON FUNCTION cx.cohort_retention(text, text, integer, timestamptz, text, double precision) IS 'retention by cohort, for a query that gives columns customer and at, a time at which the customer was active: a row for each cohort and each period 0..periods, in this order. cohort is the start of the grain (day, week, month, quarter, year; of the time zone, by default the session''s) in which its customers were first active, customers their number; active is how many of them were active in the grain that many grains later, and retention is active in percent of customers, 0..100, with its Wilson score interval from csat_estimate. Where that grain has not ended by as_of (default cx.as_of()), active and what follows from it are NULL; activity after as_of is ignored. Rows without a customer, without a time or with an infinite one are left out. Error if the query is NULL or lacks a column, for another grain, periods outside 0..10000, an infinite as_of, a NULL confidence or one not between 0 and 1';

CREATE FUNCTION cx.churn_rate(query text, starts_at timestamptz, ends_at timestamptz, used_within interval DEFAULT NULL, confidence double precision DEFAULT 0.95)
	RETURNS TABLE (base bigint, churned bigint, churn_rate double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, (CASE WHEN used_within IS NULL THEN '{active_from,active_until}' ELSE '{at}' END)::text[]);
	within interval;
	in_base text := 'q.active_from <= %1$s AND (q.active_until IS NULL OR q.active_until > %1$s)';
BEGIN
	PERFORM cx.require_time('starts_at', starts_at);
	PERFORM cx.require_time('ends_at', ends_at);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	IF starts_at >= ends_at THEN
		RAISE EXCEPTION 'starts_at % is not before ends_at %', starts_at, ends_at USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF ends_at > cx.as_of() THEN
		RAISE EXCEPTION 'the period until % has not been observed', ends_at
			USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose an ends_at that is not later than cx.as_of().';
	END IF;
	IF used_within IS NOT NULL THEN
		within := cx.exact_length('used_within', used_within);
		in_base := 'q.at <= %1$s AND q.at > %1$s - $3';
	END IF;
	-- who has no row with a time is in no base, for a comparison with NULL is not true
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH customer AS (
			SELECT pg_catalog.bool_or(%s) AS at_start, pg_catalog.bool_or(%s) AS at_end FROM %s WHERE q.customer IS NOT NULL GROUP BY q.customer
		), counted AS (
			SELECT pg_catalog.count(*) AS base, pg_catalog.count(*) FILTER (WHERE c.at_end IS NOT TRUE) AS churned FROM customer AS c WHERE c.at_start
		)
		SELECT c.base, c.churned, e.value, e.lower, e.upper
		FROM counted AS c CROSS JOIN LATERAL cx.share_estimate(c.churned, c.base, $4) AS e$query$,
		pg_catalog.format(in_base, '$1'), pg_catalog.format(in_base, '$2'), source)
	USING starts_at, ends_at, within, confidence;
END
$$;
COMMENT ON FUNCTION cx.churn_rate(text, timestamptz, timestamptz, interval, double precision) IS 'how many customers left, one row: base is how many were in the base at starts_at, churned how many of these are not in it at ends_at, and churn_rate is churned in percent of base, 0..100, with its Wilson score interval from csat_estimate; NULL if base is 0. Those who came later do not count, and who left and came back has not left. The base by contracts (used_within not given), for a query that gives columns customer, active_from and active_until: at a time are those with a row whose active_from is not later and whose active_until is later, or NULL for still active. The base by usage, for a query that gives columns customer and at: those with a row in the length used_within up to and with that time; a day is 24 hours. Rows without a customer, without active_from or without at are left out. Error if the query is NULL or lacks a column, starts_at or ends_at is NULL, infinite or not before the other, ends_at is later than cx.as_of(), used_within is not positive, above 36500 days or has months, confidence is NULL or not between 0 and 1';

CREATE FUNCTION cx.repurchase_rate(query text, within interval, as_of timestamptz DEFAULT cx.as_of(), confidence double precision DEFAULT 0.95)
	RETURNS TABLE (customers bigint, repeated bigint, in_progress bigint, repurchase_rate double precision, lower double precision, upper double precision)
	LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
	source CONSTANT text := cx.customer_query(query, '{at}');
	length CONSTANT interval := cx.exact_length('within', within);
	observed_until CONSTANT timestamptz := COALESCE(as_of, cx.as_of());
BEGIN
	PERFORM cx.require_time('as_of', observed_until);
	PERFORM cx.require_argument('confidence', confidence IS NOT NULL);
	RETURN QUERY EXECUTE pg_catalog.format($query$
		WITH purchase AS (
			SELECT q.customer, q.at, pg_catalog.min(q.at) OVER (PARTITION BY q.customer) AS first_at
			FROM %s
			WHERE q.customer IS NOT NULL AND pg_catalog.isfinite(q.at) AND q.at <= $2
		), customer AS (
			SELECT pg_catalog.min(p.first_at) AS first_at, pg_catalog.min(p.at) FILTER (WHERE p.at > p.first_at) AS second_at FROM purchase AS p GROUP BY p.customer
		), counted AS (
			SELECT pg_catalog.count(*) FILTER (WHERE c.first_at <= $2 - $1) AS customers,
				pg_catalog.count(*) FILTER (WHERE c.first_at <= $2 - $1 AND c.second_at <= c.first_at + $1) AS repeated,
				pg_catalog.count(*) FILTER (WHERE c.first_at > $2 - $1) AS in_progress
			FROM customer AS c
		)
		SELECT c.customers, c.repeated, c.in_progress, e.value, e.lower, e.upper
		FROM counted AS c CROSS JOIN LATERAL cx.share_estimate(c.repeated, c.customers, $3) AS e$query$, source)
	USING length, observed_until, confidence;
END
$$;
COMMENT ON FUNCTION cx.repurchase_rate(text, interval, timestamptz, double precision) IS 'how many customers buy again, one row, for a query that gives columns customer and at, one row for each purchase: customers is how many first bought at least the length within before as_of (default cx.as_of()), repeated how many of these bought a second time at most within after the first, and repurchase_rate is repeated in percent of customers, 0..100, with its Wilson score interval from csat_estimate; NULL if customers is 0. Rows at the same time as the first are the same purchase. in_progress is how many first bought later than that: they have not had their time and are not in the rate. A day is 24 hours. Purchases after as_of, rows without a customer, without a time or with an infinite one are left out. Error if the query is NULL or lacks a column, within is NULL, not positive, above 36500 days or has months, as_of is infinite, confidence is NULL or not between 0 and 1';
