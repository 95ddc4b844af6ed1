-- Runs the queries in turn, one round to warm up, and prints medians and ratios to the first;
-- the reset, if any, runs after each query and is not timed.
CREATE PROCEDURE compare(title text, labels text[], queries text[], goal text, rounds integer, reset text DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
	started timestamptz;
	line text;
BEGIN
	DROP TABLE IF EXISTS timing;
	CREATE TEMP TABLE timing (round integer, contender integer, ms double precision);
	FOR round IN 0 .. rounds LOOP
		FOR contender IN 1 .. cardinality(queries) LOOP
			started := clock_timestamp();
			EXECUTE queries[contender];
			INSERT INTO timing SELECT round, contender, extract(epoch FROM clock_timestamp() - started) * 1000 WHERE round > 0;
			IF reset IS NOT NULL THEN
				EXECUTE reset;
			END IF;
		END LOOP;
	END LOOP;
	RAISE INFO '%', rpad(title, 66) || goal;
	FOR line IN
		SELECT format('  %s %s ms %s', rpad(labels[t.contender], 50), lpad(round(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms))::text, 7),
			CASE WHEN t.contender > 1 THEN lpad(to_char(percentile_cont(0.5) WITHIN GROUP (ORDER BY t.ms / first.ms), 'FM990.000'), 8) || ' x' ELSE '' END)
		FROM timing AS t JOIN timing AS first ON first.round = t.round AND first.contender = 1
		GROUP BY t.contender ORDER BY t.contender
	LOOP
		RAISE INFO '%', line;
	END LOOP;
END $$;
