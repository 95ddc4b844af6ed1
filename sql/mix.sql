-- how much of a change of NPS is a change of the mix
SET extra_float_digits = 0;

CREATE FUNCTION pg_temp.show(m cx.mix_change) RETURNS text LANGUAGE sql AS $$
SELECT format('%s = %s (%s .. %s) + %s of %s -> %s', round(m.difference::numeric, 6), round(m.within::numeric, 6), round(m.lower::numeric, 6),
	round(m.upper::numeric, 6), round(m.mix::numeric, 6), m.responses_before, m.responses_after) $$;

-- Simpson's paradox: both regions rise by 10, but the low one grows from a fifth to four fifths.
-- within = 10, mix = 45 * (0.2 - 0.8) + 5 * (0.8 - 0.2) = -24, total = -14
CREATE TEMP TABLE region (name text, before cx.tally, after cx.tally);
INSERT INTO region VALUES ('north', '{0:160,7:160,10:480}', '{0:30,7:40,10:130}'), ('south', '{0:80,7:40,10:80}', '{0:320,7:80,10:400}');
SELECT name, cx.nps_of(before) AS before, cx.nps_of(after) AS after FROM region ORDER BY name;
SELECT cx.nps(before) AS before, cx.nps(after) AS after, pg_temp.show(cx.nps_mix_change(before, after)) FROM region;

-- within + mix is the difference exactly, whatever the strata
SELECT setseed(0.5);
CREATE TEMP TABLE stratum AS
SELECT grp, part, cx.tally((random() * 10)::integer) FILTER (WHERE random() < 0.4) AS before, cx.tally(least((random() * 13)::integer, 10)) FILTER (WHERE random() < 0.5) AS after
FROM generate_series(1, 50) AS grp, generate_series(1, 4) AS part, generate_series(1, 30) GROUP BY grp, part;
SELECT count(*) AS groups, bool_and(abs((m).within + (m).mix - (m).difference) < 1e-9) AS adds_up,
	bool_and(abs((m).difference - (after - before)) < 1e-9) AS difference, bool_and(abs((m).within - within) < 1e-9) AS within, bool_and(abs((m).mix - mix) < 1e-9) AS mix
FROM (SELECT cx.nps_mix_change(s.before, s.after) AS m, cx.nps(s.before) AS before, cx.nps(s.after) AS after,
		sum((sb + sa) / 2 * (cx.nps_of(s.after) - cx.nps_of(s.before))) AS within, sum((cx.nps_of(s.after) + cx.nps_of(s.before)) / 2 * (sa - sb)) AS mix
	FROM (SELECT *, cx.responses(before) / sum(cx.responses(before)) OVER (PARTITION BY grp)::float8 AS sb,
		cx.responses(after) / sum(cx.responses(after)) OVER (PARTITION BY grp)::float8 AS sa FROM stratum) AS s GROUP BY grp) AS plain;
-- its interval: shares taken as given, adjusted variances
SELECT abs((m).upper - (m).within - 1.959963984540054 * sqrt(variance)) < 1e-9 AS upper, abs((m).within - (m).lower - 1.959963984540054 * sqrt(variance)) < 1e-9 AS lower
FROM (SELECT cx.nps_mix_change(before, after) AS m, sum(((cx.responses(before) / 1000.0 + cx.responses(after) / 1000.0) / 2) ^ 2
	* (cx.nps_change(before, after)).std_error ^ 2) AS variance FROM region) AS plain;

-- a stratum on one side only is all mix; one that is empty does not matter
SELECT pg_temp.show(cx.nps_mix_change(before, after)) FROM (VALUES ('{10:10}'::cx.tally, '{10:10}'::cx.tally), (NULL, '{0:10}')) AS v (before, after);
SELECT pg_temp.show(cx.nps_mix_change(before, after)) FROM (VALUES ('{10:10}'::cx.tally, '{10:10}'::cx.tally), ('{0:5}', NULL), ('{}', '{}'), (NULL, NULL)) AS v (before, after);
-- equal samples, one answer, nothing to compare
SELECT pg_temp.show(cx.nps_mix_change(before, before)) FROM region;
SELECT pg_temp.show(cx.nps_mix_change('{9:1}', '{7:1}'));
SELECT cx.nps_mix_change('{9:1}', NULL) AS nothing_after, cx.nps_mix_change(NULL, NULL) AS nothing;
SELECT cx.nps_mix_change(before, after) FROM region WHERE false;

-- support functions called by hand
SELECT cx.nps_mix_add(NULL, '{9:1}', '{9:1}');
SELECT cx.nps_mix_add('{0,0}', '{9:1}', '{9:1}');
SELECT cx.nps_mix_combine('{0,0,0,0,0,0,0,0,0}', '{0,0,0,0,0,0,0,0,NULL}');
SELECT cx.nps_mix_final('{{0,0,0,0,0,0,0,0,0}}');
SELECT cx.nps_mix_final('{NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN,NaN}'), cx.nps_mix_final('{Infinity,Infinity,0,0,0,0,0,0,0}');
