-- bucket: date_trunc that remembers
SET timezone = 'UTC';
SET datestyle = 'ISO';

SELECT unit, cx.bucket(unit, '2026-05-20 13:45:10+00') FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit;
SELECT cx.bucket('DAY', '2026-05-20 13:45:10+00'), cx.bucket('day', '2026-05-20 23:45:10+00', 'Asia/Shanghai');
SELECT cx.bucket('day', 'infinity'), cx.bucket('year', '-infinity'), cx.bucket('day', NULL), cx.bucket(NULL, now()), cx.bucket('day', now(), NULL);
SELECT cx.bucket('minute', now());
SELECT cx.bucket('', now());
SELECT cx.bucket('a very long name that no unit has', now());
SELECT cx.bucket('day', now(), 'Nowhere/Land');
SELECT cx.bucket('day', now(), repeat('x', 300));

-- the ends of time, and both sides of its epochs
SELECT bool_and(cx.bucket(unit, at) = date_trunc(unit, at)) AS same, count(*)
FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit,
	unnest('{4713-01-02 00:00:00+00 BC,4713-12-01 00:00:00+00 BC,4001-02-28 12:00:00+00 BC,0001-01-01 00:00:00+00,0001-12-31 23:59:59+00 BC,1582-10-15 00:00:00+00,
		1899-12-31 23:59:59.999999+00,1969-12-31 23:59:59.999999+00,1970-01-01 00:00:00+00,1999-12-31 23:59:59.999999+00,2000-01-01 00:00:00+00,2038-01-19 03:14:08+00,
		2400-02-29 00:00:00+00,9999-12-31 23:59:59+00,294276-01-01 00:00:00+00,294276-12-31 23:59:59.999999+00}'::timestamptz[]) AS at;

-- a million random instants over 300 years, in every unit and many zones; some
-- change the clock by half an hour, at midnight, by a whole day, or had odd
-- seconds long ago
SELECT setseed(0.6);
CREATE TEMP TABLE zone (name text);
INSERT INTO zone SELECT unnest('{UTC,Europe/Berlin,America/New_York,Australia/Lord_Howe,Asia/Kathmandu,Pacific/Apia,America/Sao_Paulo,Asia/Shanghai,Africa/Casablanca,CET,EST,+05:30}'::text[]);
SELECT count(*) >= 1000000 AS a_million, count(*) FILTER (WHERE cx.bucket(unit, at, zone) IS DISTINCT FROM date_trunc(unit, at, zone)) AS wrong
FROM (SELECT name AS zone, unit, timestamptz '1850-01-01 00:00:00+00' + random() * interval '300 years' AS at
	FROM zone, unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit, generate_series(1, 14000) OFFSET 0) AS drawn;
-- crowded around the changes of the clock, and to the microsecond before and after full hours
CREATE TEMP TABLE instant AS
SELECT at FROM (
	SELECT day + (random() * 10 - 5) * interval '1 hour' AS at
	FROM unnest('{2026-03-29 01:00+00,2026-10-25 01:00+00,2026-03-08 07:00+00,2026-11-01 06:00+00,2026-04-04 15:00+00,2026-10-03 15:30+00,2011-12-30 10:00+00,2018-11-04 03:00+00}'::timestamptz[]) AS day,
		generate_series(1, 1000)
	UNION ALL
	SELECT date_trunc('hour', timestamptz '2020-01-01 00:00:00+00' + random() * interval '6 years') - (random() * 2)::integer * interval '1 microsecond' FROM generate_series(1, 6000)) AS drawn;
SELECT name, count(*) FILTER (WHERE cx.bucket(unit, at, name) IS DISTINCT FROM date_trunc(unit, at, name)) AS wrong
FROM zone, unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit, instant
GROUP BY name ORDER BY name COLLATE "C";
-- in order of time, as tables are stored
SELECT count(*) FILTER (WHERE cx.bucket(unit, at, zone) IS DISTINCT FROM date_trunc(unit, at, zone)) AS wrong
FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit, unnest('{Europe/Berlin,Pacific/Apia}'::text[]) AS zone, (SELECT at FROM instant ORDER BY at) AS sorted;

-- the session's zone, also when it changes inside a transaction with a kept plan
CREATE FUNCTION pg_temp.day_of(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN cx.bucket('day', at); END $$;
BEGIN;
SELECT pg_temp.day_of('2026-05-20 23:00:00+00');
SET LOCAL timezone = 'Asia/Tokyo';
SELECT pg_temp.day_of('2026-05-20 23:00:00+00'), pg_temp.day_of('2026-05-20 23:00:00+00') = date_trunc('day', timestamptz '2026-05-20 23:00:00+00') AS same;
COMMIT;
SET timezone = 'America/New_York';
SELECT count(*) FILTER (WHERE cx.bucket(unit, at) IS DISTINCT FROM date_trunc(unit, at)) AS wrong
FROM unnest('{hour,day,week,month,quarter,year}'::text[]) AS unit, instant;

-- a unit and a zone that change from row to row, and that change between executions
SELECT count(*) FILTER (WHERE cx.bucket(unit, at, zone) IS DISTINCT FROM date_trunc(unit, at, zone)) AS wrong
FROM (SELECT at, (ARRAY['hour', 'day', 'month'])[1 + id % 3] AS unit, (ARRAY['Asia/Tokyo', 'Europe/Berlin'])[1 + id % 2] AS zone
	FROM (SELECT at, row_number() OVER () AS id FROM instant LIMIT 3000) AS numbered) AS v;
PREPARE day_of (text, timestamptz, text) AS SELECT cx.bucket($1, $2, $3), cx.bucket($1, $2, $3) = date_trunc($1, $2, $3) AS same;
SET timezone = 'UTC';
EXECUTE day_of ('day', '2026-05-20 23:00+00', 'Asia/Tokyo');
EXECUTE day_of ('month', '2026-05-20 23:00+00', 'Europe/Berlin');
-- (PL/pgSQL keeps such an expression from one call to the next)
CREATE FUNCTION pg_temp.start_of(unit text, at timestamptz, zone text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN cx.bucket(unit, at, zone); END $$;
SELECT bool_and(pg_temp.start_of(unit, '2026-05-20 23:00+00', zone) = date_trunc(unit, timestamptz '2026-05-20 23:00+00', zone)) AS same
FROM unnest('{hour,day,month,year}'::text[]) AS unit, unnest('{Asia/Tokyo,Europe/Berlin}'::text[]) AS zone;

-- an abbreviation means what the setting of the moment says
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.same_day(setting text, at timestamptz, zone text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone_abbreviations', setting, false);
	RETURN cx.bucket('day', at, zone) = date_trunc('day', at, zone);
END $$;
SELECT setting, pg_temp.same_day(setting, '2024-06-30 13:59:30Z', 'EST') AS same FROM unnest('{Default,Australia,Default}'::text[]) AS setting;
