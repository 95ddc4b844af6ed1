-- the type: text form, binary form, comparison, arithmetic
CREATE EXTENSION cx;

-- text form
SELECT '{0:3,7:2,10:5}'::cx.tally;
SELECT E' {\t0 : 3 ,7:2\n, 10:5 } '::cx.tally;
SELECT '{}'::cx.tally, '{ }'::cx.tally, '{4:0,5:1}'::cx.tally AS zero_left_out, '{007:0012}'::cx.tally AS leading_zeros;
SELECT '{0:9223372036854775807,10:9223372036854775807}'::cx.tally AS largest;
SELECT NULL::cx.tally;

-- each malformed text has its message
SELECT ''::cx.tally;
SELECT 'x'::cx.tally;
SELECT '{'::cx.tally;
SELECT '{0'::cx.tally;
SELECT '{0:'::cx.tally;
SELECT '{0:3'::cx.tally;
SELECT '{0:3,'::cx.tally;
SELECT '{0:3,}'::cx.tally;
SELECT '{0:3 7:2}'::cx.tally;
SELECT '{0=3}'::cx.tally;
SELECT '{:3}'::cx.tally;
SELECT '{7.5:3}'::cx.tally;
SELECT '{7:2.5}'::cx.tally;
SELECT '{7:+2}'::cx.tally;
SELECT '{7:2,7:3}'::cx.tally;
SELECT '{7:2,3:3}'::cx.tally;
SELECT '{7:-2}'::cx.tally;
SELECT '{7:-9223372036854775809}'::cx.tally;
SELECT '{7:9223372036854775808}'::cx.tally;
SELECT '{7:99999999999999999999999999999999}'::cx.tally;
SELECT '{11:1}'::cx.tally;
SELECT '{-1:1}'::cx.tally;
SELECT '{18446744073709551617:1}'::cx.tally;
SELECT '{7:2} x'::cx.tally;
SELECT '{7:2}{7:2}'::cx.tally;

-- binary form: as sent, and each malformed one
SELECT cx.tally_send('{0:3,7:2,10:5}');
SELECT length(cx.tally_send('{}'));
CREATE TEMP TABLE wire (t cx.tally);
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS cx.tally LANGUAGE plpgsql AS $$
-- binary COPY is the way in that SQL offers; the shell's printf makes its bytes
DECLARE
	file bytea := '\x5047434f50590aff0d0a0000000000000000000001'::bytea || int4send(length(message)) || message || '\xffff'::bytea;
	octal text := (SELECT string_agg(format('\%s%s%s', get_byte(file, i) / 64, get_byte(file, i) / 8 % 8, get_byte(file, i) % 8), '' ORDER BY i)
		FROM generate_series(0, length(file) - 1) AS i);
BEGIN
	TRUNCATE wire;
	EXECUTE format('COPY wire FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
	RETURN (SELECT t FROM wire);
END $$;
\set SHOW_CONTEXT never
SELECT pg_temp.receive(cx.tally_send('{0:3,7:2,10:9223372036854775807}'));
SELECT pg_temp.receive(substr(cx.tally_send('{0:3}'), 1, 88));
SELECT pg_temp.receive('');
SELECT pg_temp.receive(cx.tally_send('{0:3}') || '\x00');
SELECT pg_temp.receive(set_byte(cx.tally_send('{0:3}'), 0, 2));
SELECT pg_temp.receive(set_byte(cx.tally_send('{0:3}'), 1, 255));

-- comparison, with operators found wherever they are needed
SELECT a, b, a OPERATOR(cx.=) b AS eq, a OPERATOR(cx.<>) b AS ne, a OPERATOR(cx.<) b AS lt,
	a OPERATOR(cx.<=) b AS le, a OPERATOR(cx.>) b AS gt, a OPERATOR(cx.>=) b AS ge
FROM (VALUES ('{0:1}'::cx.tally, '{0:1}'::cx.tally), ('{0:1}', '{0:2}'), ('{0:1}', '{1:1}'), ('{}', '{10:1}')) AS v (a, b);
CREATE TEMP TABLE stored (id integer, t cx.tally);
INSERT INTO stored VALUES (1, '{7:2}'), (2, '{0:3}'), (3, '{7:2}'), (4, NULL), (5, '{}');
SELECT t, array_agg(id ORDER BY id) FROM stored GROUP BY t ORDER BY t;
SELECT count(DISTINCT t) FROM stored;
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT count(*) FROM stored AS a JOIN stored AS b ON a.t OPERATOR(cx.=) b.t;
RESET enable_hashjoin; RESET enable_nestloop;
CREATE UNIQUE INDEX ON stored (id, t);
CREATE INDEX ON stored USING hash (t);
SELECT cx.tally_hash('{7:2}') = cx.tally_hash('{ 7 : 2 }') AS hash,
	cx.tally_hash_extended('{7:2}', 1) = cx.tally_hash_extended('{7:2}', 1) AS seeded,
	cx.tally_hash_extended('{7:2}', 1) = cx.tally_hash_extended('{7:2}', 2) AS other_seed;

-- arithmetic
SELECT cx.merge('{0:3,7:2}'::cx.tally, '{7:1,10:5}'), '{0:3,7:2}'::cx.tally OPERATOR(cx.+) '{}'::cx.tally AS plus,
	'{0:3,7:2}'::cx.tally OPERATOR(cx.-) '{7:1}'::cx.tally AS minus, '{7:2}'::cx.tally OPERATOR(cx.-) '{7:2}'::cx.tally AS nothing_left;
SELECT cx.merge('{7:2}'::cx.tally, NULL) AS merge_null;
SELECT cx.merge('{7:9223372036854775807}'::cx.tally, '{7:1}');
SELECT cx.merge('{7:9223372036854775807}'::cx.tally, '{7:9223372036854775807}');
SELECT cx.tally_subtract('{7:2}', '{7:3}');
SELECT cx.tally_subtract('{7:2}', '{8:1}');
-- the arguments are not touched
SELECT t, cx.merge(t, '{10:1}') AS merged, cx.tally_add(t, 10) AS added, t AS again FROM stored WHERE id < 4 ORDER BY id;

-- what it tells
SELECT * FROM cx.counts('{0:3,7:2,10:5}');
SELECT * FROM cx.counts('{}');
SELECT cx.responses(t), cx.promoters(t), cx.passives(t), cx.detractors(t)
FROM (VALUES ('{0:1,1:2,2:4,3:8,4:16,5:32,6:64,7:128,8:256,9:512,10:1024}'::cx.tally), ('{}'), (NULL)) AS v (t);
SELECT cx.responses('{0:9223372036854775807,1:1}');

-- survives storage: columns, arrays, composites, jsonb by its text
CREATE TYPE pg_temp.pair AS (before cx.tally, after cx.tally);
SELECT ARRAY['{1:1}', '{2:2}']::cx.tally[] AS list, ROW('{1:1}', '{2:2}')::pg_temp.pair AS pair,
	to_jsonb('{1:1}'::cx.tally) AS json, (to_jsonb('{1:1}'::cx.tally) #>> '{}')::cx.tally AS back;
CREATE TEMP TABLE copied (t cx.tally);
COPY stored (t) TO '/dev/null';
INSERT INTO copied SELECT format('{%s:%s}', s, s * 1000)::cx.tally FROM generate_series(0, 10) AS s;
SELECT cx.tally(t) FROM copied;
