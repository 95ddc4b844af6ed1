-- Training a model on the rows of a query
--
-- The query runs with the search_path of the caller, as journey/query.sql says.

CREATE FUNCTION cx.fit_model(query text, target text, algorithm text, key text, holdout double precision, seed bigint, options jsonb,
		OUT predictor cx.predictor, OUT outcome text, OUT row_count bigint, OUT event_count bigint, OUT report jsonb, OUT profile jsonb, OUT fit jsonb, OUT excluded jsonb)
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.fit_model(text, text, text, text, double precision, bigint, jsonb) IS 'does the work of train without keeping the model: query stands in parentheses, as query_subselect gives it; the result is what cx_data.model keeps. Memory: 8 bytes for each row and feature, at most 100 million of them, boosting one or two bytes more, and up to 100 bytes for each row';

CREATE FUNCTION cx.check_may_train(role oid) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT (cx.owns_program(role) OR has_table_privilege(role, 'cx_data.model', 'INSERT') OR cx.role_has_level(role, '{analyst,admin}')) THEN
		RAISE EXCEPTION 'permission denied to train models'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an analyst or an admin, or INSERT on cx_data.model.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_may_train(oid) IS 'raises an error unless a role may train models: owner of the program, admins, analysts and whoever may INSERT into cx_data.model';

CREATE FUNCTION cx.owner_check_may_train(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.check_may_train(caller);
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_check_may_train(jsonb, oid) IS 'raises an error unless a role may train models; part of train, with the rights of the program''s owner';

CREATE FUNCTION cx.may_change_model(name text, role oid) RETURNS boolean
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.owns_program(role) OR has_table_privilege(role, 'cx_data.model', 'UPDATE') OR cx.role_has_level(role, '{admin}')
		OR NOT EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = may_change_model.name AND m.trained_by <> pg_get_userbyid(role));
END
$$;
COMMENT ON FUNCTION cx.may_change_model(text, oid) IS 'whether a role may say which version of a model scores, and drop versions: owner of the program, admins, whoever may UPDATE cx_data.model, and who trained all of its versions';

CREATE FUNCTION cx.benchmark_of(report jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT pg_catalog.jsonb_object_agg(part.key, part.value) FROM pg_catalog.jsonb_each(report) AS part WHERE part.key IN ('kind', 'auc', 'auc_std_error', 'r_squared');
	END;
COMMENT ON FUNCTION cx.benchmark_of(jsonb) IS 'what of a report on rows held out the next version of a model is measured against: kind, auc and auc_std_error, or r_squared; NULL without a report';

CREATE FUNCTION cx.better_benchmark(a jsonb, b jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE WHEN b IS NULL OR coalesce((a ->> 'auc')::double precision, (a ->> 'r_squared')::double precision) >= coalesce((b ->> 'auc')::double precision, (b ->> 'r_squared')::double precision) THEN a ELSE coalesce(b, a) END;
	END;
COMMENT ON FUNCTION cx.better_benchmark(jsonb, jsonb) IS 'of two benchmarks of a model the one with the larger area under the ROC curve, or R squared';

CREATE FUNCTION cx.is_not_worse(report jsonb, benchmark jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(CASE WHEN report ->> 'kind' = 'probability' AND benchmark ->> 'kind' = 'probability'
				THEN (report ->> 'auc')::double precision >= (benchmark ->> 'auc')::double precision
					- least(1.959963984540054 * sqrt(coalesce((report ->> 'auc_std_error')::double precision, 0) ^ 2 + coalesce((benchmark ->> 'auc_std_error')::double precision, 0) ^ 2), 0.05)
			WHEN report ->> 'kind' = 'number' AND benchmark ->> 'kind' = 'number' THEN (report ->> 'r_squared')::double precision >= (benchmark ->> 'r_squared')::double precision - 0.02 END, false);
	END;
COMMENT ON FUNCTION cx.is_not_worse(jsonb, jsonb) IS 'whether a report on rows held out is not clearly worse than a benchmark, the best report of the champions so far: its area under the ROC curve is lower by no more than 1.96 standard errors of the difference (the roots of the sum of both squared), nor by more than 0.05, or of numbers R squared by no more than 0.02; false if one of them is missing. As the benchmark is the best so far, quality does not sink step by step';

CREATE FUNCTION cx.owner_register_model(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	entry record;
	before record;
	chosen CONSTANT boolean := (argument #>> '{options,champion}')::boolean;
	becomes_champion boolean;
	benchmark jsonb;
BEGIN
	PERFORM cx.check_may_train(caller);
	SELECT * INTO entry FROM jsonb_populate_record(NULL::cx_data.model, argument);
	-- one at a time
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	SELECT max(m.version) AS version, bool_or(m.champion) AS has_champion, (array_agg(m.benchmark) FILTER (WHERE m.champion))[1] AS benchmark
	INTO before FROM cx_data.model AS m WHERE m.name = entry.name;
	becomes_champion := before.has_champion IS NOT TRUE
		OR (coalesce(chosen, cx.is_not_worse(entry.report, before.benchmark)) AND cx.may_change_model(entry.name, caller));
	IF becomes_champion THEN
		benchmark := cx.benchmark_of(entry.report);
		IF chosen IS NOT TRUE THEN
			benchmark := cx.better_benchmark(benchmark, before.benchmark);
		END IF;
		UPDATE cx_data.model AS m SET champion = false WHERE m.name = entry.name AND m.champion;
	END IF;
	INSERT INTO cx_data.model (name, version, champion, algorithm, outcome, query, columns, column_types, target, key, holdout, seed, options, row_count, event_count, report, benchmark, fit, profile, excluded, trained_by, predictor)
	VALUES (entry.name, coalesce(before.version, 0) + 1, becomes_champion, entry.algorithm, entry.outcome, entry.query, entry.columns, entry.column_types, entry.target, entry.key, entry.holdout, entry.seed, entry.options,
		entry.row_count, entry.event_count, entry.report, benchmark, entry.fit, entry.profile, entry.excluded, pg_get_userbyid(caller), entry.predictor);
	RETURN jsonb_build_object('version', coalesce(before.version, 0) + 1, 'champion', becomes_champion);
END
$$;
COMMENT ON FUNCTION cx.owner_register_model(jsonb, oid) IS 'keeps a model as a new version; part of train, with the rights of the program''s owner';

CREATE FUNCTION cx.keep_model(definition jsonb) RETURNS TABLE (version integer, champion boolean)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kept CONSTANT jsonb := cx.as_program_owner('register_model', definition);
BEGIN
	IF NOT (kept -> 'champion')::boolean THEN
		RAISE NOTICE 'version % of model "%" is not its champion', kept -> 'version', definition ->> 'name'
			USING HINT = 'Look at cx.model_report() and cx.compare_models(); cx.set_champion() changes the version that scores.';
	END IF;
	RETURN QUERY SELECT (kept -> 'version')::integer, (kept -> 'champion')::boolean;
END
$$;
COMMENT ON FUNCTION cx.keep_model(jsonb) IS 'keeps a model as a new version, and tells whether it is the champion; part of train';

CREATE FUNCTION cx.check_training(name text, query text, target text, algorithm text, holdout double precision, seed bigint, options jsonb) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF num_nulls(name, query, target, algorithm, holdout, seed, options) > 0 OR name = '' THEN
		RAISE EXCEPTION 'name, query, target, algorithm, holdout, seed and options must be given'
			USING ERRCODE = 'invalid_parameter_value', HINT = 'SELECT * FROM cx.train(''churn'', ''SELECT ... AS churned, ... FROM ...'', ''churned'').';
	END IF;
	PERFORM cx.as_program_owner('check_may_train', '{}');
END
$$;
COMMENT ON FUNCTION cx.check_training(text, text, text, text, double precision, bigint, jsonb) IS 'raises an error unless the current role may train and gives all that it takes; part of train';

CREATE FUNCTION cx.train(name text, query text, target text, algorithm text DEFAULT 'boosting', key text DEFAULT NULL, holdout double precision DEFAULT 0.2, seed bigint DEFAULT 1, options jsonb DEFAULT '{}')
	RETURNS TABLE (model text, version integer, champion boolean, row_count bigint, event_count bigint, auc double precision, r_squared double precision)
	LANGUAGE plpgsql AS $$
DECLARE
	columns pg_catalog.text[];
	fitted record;
BEGIN
	PERFORM cx.check_training(name, query, target, algorithm, holdout, seed, options);
	columns := cx.query_columns(query);
	SELECT * INTO fitted FROM cx.fit_model(cx.query_subselect(query), target, algorithm, key, holdout, seed, options) AS f;
	RETURN QUERY SELECT name, k.version, k.champion, fitted.row_count, fitted.event_count,
		pg_catalog.jsonb_extract_path_text(fitted.report, 'auc')::pg_catalog.float8, pg_catalog.jsonb_extract_path_text(fitted.report, 'r_squared')::pg_catalog.float8
	FROM cx.keep_model(pg_catalog.jsonb_build_object('name', name, 'query', query, 'columns', columns, 'column_types', cx.query_types(query), 'target', target, 'algorithm', algorithm, 'key', key, 'holdout', holdout, 'seed', seed,
		'options', options, 'predictor', fitted.predictor::pg_catalog.text, 'outcome', fitted.outcome, 'row_count', fitted.row_count, 'event_count', fitted.event_count,
		'report', fitted.report, 'profile', fitted.profile, 'fit', fitted.fit, 'excluded', fitted.excluded)) AS k;
END
$$;
COMMENT ON FUNCTION cx.train(text, text, text, text, text, double precision, bigint, jsonb) IS 'trains a model on the rows of a query, which runs read-only as the caller (it changes no table but, through functions that do so, temporary ones), and keeps it as a new version in cx_data.model. target is the column to predict: Boolean, or a number (a probability if it is always 0 or 1; option outcome says "probability" or "number"); rows in which it is NULL are left out. algorithm: boosting (trees) or logistic (a linear model; of a number least squares). The other columns are the features: numbers, Booleans, texts and enums (the most frequent levels, others as one), dates and times, intervals, arrays of numbers; NULL and infinite is missing. Constants and identifiers are left out with a notice, which option keep (array of columns) prevents for identifiers; a column that tells the target by itself is an error, one that almost does so a notice. key: rows with one value of it are never both learnt from and held out, and it is no feature. holdout: share of keys, or of rows without key, held out by a hash with seed, 0..0.9 (rows without key are taken for different cases even if they are equal); option holdout_after (rows with a later "time", a column; rows without a time are left out) or holdout_where (an SQL condition over the columns) instead, then holdout decides only for keys of which there are rows on both sides. Of the rest, the share "validation" (0.2, by key as well) stops boosting and calibrates probabilities, unless "calibrate" is false. It takes 50 rows of the rarer outcome, or 50 rows, that are not held out, and 10 of either outcome that train. A new version becomes the champion, which scores by name, unless its report is clearly worse than the best one of the champions so far, as is_not_worse says, or the model belongs to somebody else; option champion decides. Other options: exclude, keep, allow_leak (arrays of columns), max_levels (32), level_rows (10: rows that a level must have); of logistic ridge (0; penalty ridge/2 times the squared coefficients of standardised terms against the mean loss of a row), collinear (drop, error); of boosting trees, depth, leaves, learning_rate, leaf_rows, penalty, row_share, feature_share, patience, monotone (object of features with 1 or -1)';
