-- Versions of models: which of them scores, what was found of it, which is better

CREATE FUNCTION cx.find_model(name text, version integer DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_id bigint;
BEGIN
	PERFORM cx.require_program();
	SELECT m.model_id INTO found_id FROM cx_data.model AS m
	WHERE m.name = find_model.name AND CASE WHEN find_model.version IS NULL THEN m.champion ELSE m.version = find_model.version END;
	IF NOT FOUND THEN
		RAISE EXCEPTION '%', CASE WHEN version IS NULL OR NOT EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = find_model.name)
				THEN format('model "%s" does not exist', name) ELSE format('model "%s" has no version %s', name, version) END
			USING ERRCODE = 'undefined_object', HINT = 'SELECT name, version, champion FROM cx_data.model shows the models; cx.train() makes one.';
	END IF;
	RETURN found_id;
END
$$;
COMMENT ON FUNCTION cx.find_model(text, integer) IS 'key of a version of a model in cx_data.model, of the champion without a version; error if there is none';

CREATE FUNCTION cx.find_model_text(model text) RETURNS bigint
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	parts CONSTANT text[] := regexp_match(model, '^(.+)@([0-9]{1,9})$');
BEGIN
	PERFORM cx.require_program();
	IF parts IS NULL OR EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = model) THEN
		RETURN cx.find_model(model);
	END IF;
	RETURN cx.find_model(parts[1], parts[2]::integer);
END
$$;
COMMENT ON FUNCTION cx.find_model_text(text) IS 'key in cx_data.model of what a text names: name is the champion of a model, name@3 its version 3; error if there is none';

CREATE FUNCTION cx.owner_set_champion(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT cx.may_change_model(argument ->> 'name', caller) THEN
		RAISE EXCEPTION 'permission denied to change model "%"', argument ->> 'name'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin, UPDATE on cx_data.model, or to have trained all versions of it.';
	END IF;
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.find_model(argument ->> 'name', (argument -> 'version')::integer);
	UPDATE cx_data.model AS m SET champion = false WHERE m.name = argument ->> 'name' AND m.champion AND m.version <> (argument -> 'version')::integer;
	UPDATE cx_data.model AS m SET champion = true, benchmark = cx.benchmark_of(m.report) WHERE m.name = argument ->> 'name' AND m.version = (argument -> 'version')::integer;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_set_champion(jsonb, oid) IS 'does the work of set_champion with the rights of the program''s owner';

CREATE FUNCTION cx.set_champion(name text, version integer) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF num_nulls(name, version) > 0 THEN
		RAISE EXCEPTION 'name and version must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cx.as_program_owner('set_champion', jsonb_build_object('name', name, 'version', version));
END
$$;
COMMENT ON FUNCTION cx.set_champion(text, integer) IS 'makes a version of a model the one that scores by name, in place of the one before; its report is then what the next version is measured against';

CREATE FUNCTION cx.owner_drop_model(argument jsonb, caller oid) RETURNS jsonb
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	dropped record;
BEGIN
	IF NOT cx.may_change_model(argument ->> 'name', caller) THEN
		RAISE EXCEPTION 'permission denied to drop model "%"', argument ->> 'name'
			USING ERRCODE = 'insufficient_privilege', HINT = 'It takes access as an admin, UPDATE on cx_data.model, or to have trained all versions of it.';
	END IF;
	LOCK TABLE cx_data.model IN SHARE ROW EXCLUSIVE MODE;
	SELECT m.* INTO STRICT dropped FROM cx_data.model AS m WHERE m.model_id = cx.find_model(argument ->> 'name', (argument ->> 'version')::integer);
	IF argument ->> 'version' IS NULL THEN
		DELETE FROM cx_data.model AS m WHERE m.name = dropped.name;
	ELSIF dropped.champion AND EXISTS (SELECT FROM cx_data.model AS m WHERE m.name = dropped.name AND NOT m.champion) THEN
		RAISE EXCEPTION 'version % is the champion of model "%"', dropped.version, dropped.name
			USING ERRCODE = 'dependent_objects_still_exist', HINT = 'Make another version the champion with cx.set_champion() first, or drop the model without a version.';
	ELSE
		DELETE FROM cx_data.model AS m WHERE m.model_id = dropped.model_id;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.owner_drop_model(jsonb, oid) IS 'does the work of drop_model with the rights of the program''s owner';

CREATE FUNCTION cx.drop_model(name text, version integer DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM cx.require_program();
	IF name IS NULL THEN
		RAISE EXCEPTION 'name must be given' USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM cx.as_program_owner('drop_model', jsonb_build_object('name', name, 'version', version));
END
$$;
COMMENT ON FUNCTION cx.drop_model(text, integer) IS 'drops a version of a model, or all of it without one; the champion goes only with the others';

CREATE FUNCTION cx.model_report(name text, version integer DEFAULT NULL)
	RETURNS TABLE (section text, measure text, value double precision, lower double precision, upper double precision, note text)
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
	r jsonb;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = cx.find_model(model_report.name, model_report.version);
	r := m.report;
	RETURN QUERY
	SELECT 'model', part.measure, part.value, NULL::double precision, NULL::double precision, part.note
	FROM (VALUES ('version', m.version::double precision, concat_ws(', ', m.algorithm, m.outcome || ' of ' || m.target, CASE WHEN m.champion THEN 'champion' END)),
		('rows', m.row_count, NULL), ('events', m.event_count, NULL)) AS part (measure, value, note) WHERE part.value IS NOT NULL
	UNION ALL
	SELECT 'model', replace(f.key, '_', ' '), f.value::double precision, NULL, NULL, NULL
	FROM jsonb_each(m.fit) AS f WHERE f.key ~ '_rows$|^rows_|^trees$' AND (f.value::double precision > 0 OR f.key !~ '^rows_');
	IF r IS NULL THEN
		RETURN QUERY SELECT 'held out', 'rows', 0::double precision, NULL::double precision, NULL::double precision, 'nothing is known of how good it is';
	ELSE
		RETURN QUERY
		SELECT 'held out', q.measure, (r ->> q.key)::double precision, (r ->> q.lower)::double precision, (r ->> q.upper)::double precision, q.note
		FROM (VALUES (1, 'AUC', 'auc', 'auc_lower', 'auc_upper', 'area under the ROC curve: 0.5 tells nothing, 1 all'), (2, 'log-loss', 'log_loss', NULL, NULL, 'smaller is better'), (3, 'Brier score', 'brier', NULL, NULL, 'mean squared error, smaller is better'),
			(4, 'accuracy', 'accuracy', NULL, NULL, 'share predicted rightly at 0.5'), (5, 'accuracy at the base rate', 'base_accuracy', NULL, NULL, 'of always saying the commoner outcome'),
			(6, 'base rate', 'base_rate', NULL, NULL, NULL), (7, 'mean probability', 'mean_probability', NULL, NULL, NULL), (8, 'calibration error', 'calibration_error', NULL, NULL, 'mean distance of predicted and observed'),
			(9, 'R squared', 'r_squared', NULL, NULL, 'of the variance explained'), (10, 'RMSE', 'rmse', NULL, NULL, 'root of the mean squared error'), (11, 'MAE', 'mae', NULL, NULL, 'mean absolute error'))
			AS q (place, measure, key, lower, upper, note)
		WHERE r ? q.key ORDER BY q.place;
		RETURN QUERY
		SELECT 'lift', 'decile ' || t.decile, t.lift, NULL::double precision, NULL::double precision, format('%s %% of all events so far', round((100 * t.capture)::numeric, 1))
		FROM cx.lift_table(r) AS t ORDER BY t.decile;
		RETURN QUERY
		SELECT 'calibration', 'bin ' || t.bin || ' observed', t.observed, t.observed_lower, t.observed_upper, format('predicted %s', round(t.predicted::numeric, 4))
		FROM cx.calibration_table(r) AS t ORDER BY t.bin;
	END IF;
	RETURN QUERY
	SELECT 'importance', i.value ->> 'feature', (i.value ->> 'share')::double precision, NULL::double precision, NULL::double precision, NULL::text
	FROM jsonb_array_elements(m.fit -> 'importance') WITH ORDINALITY AS i (value, place) ORDER BY i.place;
	RETURN QUERY
	SELECT 'coefficient', c.term, c.coefficient, c.coefficient - 1.959963984540054 * c.std_error, c.coefficient + 1.959963984540054 * c.std_error, NULL::text
	FROM jsonb_to_recordset(m.fit -> 'coefficients') AS c (term text, coefficient double precision, std_error double precision);
	RETURN QUERY
	SELECT 'excluded', e.value ->> 'column', NULL::double precision, NULL::double precision, NULL::double precision, e.value ->> 'reason'
	FROM jsonb_array_elements(m.excluded) WITH ORDINALITY AS e (value, place) ORDER BY e.place;
END
$$;
COMMENT ON FUNCTION cx.model_report(text, integer) IS 'what is known of a version of a model, of the champion without one: rows it was made of; on the rows held out AUC with its 95 % interval of DeLong, log-loss, Brier score, accuracy beside that of always saying the commoner outcome, lift by decile (lift of the decile; note: events in it and those before), calibration (observed share with its 95 % Wilson interval beside the prediction); importance (share of the mean size of contributions); coefficients with 95 % intervals, in log-odds or units of the target per unit of the feature; columns that were left out, and why. Of a number R squared, RMSE and MAE instead';

CREATE FUNCTION cx.holdout_condition(model bigint) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
	place text;
	flag text;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = holdout_condition.model;
	place := CASE WHEN m.key IS NULL THEN format('(cx.holdout_share(q, %1$L::pg_catalog.int8, pg_catalog.row_number() OVER (PARTITION BY cx.holdout_share(q, %1$L::pg_catalog.int8))) < %2$L::pg_catalog.float8)', m.seed, m.holdout)
		ELSE format('(cx.holdout_share(q.%I, %L::pg_catalog.int8) < %L::pg_catalog.float8)', m.key, m.seed, m.holdout) END;
	IF m.options ? 'holdout_after' THEN
		-- null where there is no time: such rows are on no side
		flag := format('(q.%I > %L)', m.options ->> 'time', m.options ->> 'holdout_after');
	ELSIF m.options ? 'holdout_where' THEN
		flag := format(E'coalesce((%s\n)::pg_catalog.bool, false)', m.options ->> 'holdout_where');
	END IF;
	RETURN CASE WHEN flag IS NULL THEN place WHEN m.key IS NULL THEN flag
		ELSE format('(%s AND (%s OR pg_catalog.bool_and(%1$s) OVER (PARTITION BY q.%3$I)))', flag, place, m.key) END;
END
$$;
COMMENT ON FUNCTION cx.holdout_condition(bigint) IS 'SQL condition over rows q of a training query that says whether a model held them out; part of compare_models';

CREATE FUNCTION cx.comparable_query(a bigint, b bigint, query text) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	first cx_data.model;
	second cx_data.model;
BEGIN
	SELECT * INTO first FROM cx_data.model AS m WHERE m.model_id = a;
	SELECT * INTO second FROM cx_data.model AS m WHERE m.model_id = b;
	IF first.outcome <> 'probability' OR second.outcome <> 'probability' THEN
		RAISE EXCEPTION 'compare_models compares probabilities, and a model predicts a number'
			USING ERRCODE = 'feature_not_supported', HINT = 'Compare R squared and RMSE of cx.model_report().';
	END IF;
	IF first.target <> second.target THEN
		RAISE EXCEPTION 'the models predict different columns, "%" and "%"', first.target, second.target USING ERRCODE = 'invalid_parameter_value';
	END IF;
	IF query IS NOT NULL THEN
		RETURN (query);
	END IF;
	-- a stored text runs with the rights of whoever runs it: nobody but him, or who owns all that can write it, may have put it there
	IF first.trained_by <> current_user OR (current_setting('is_superuser')::boolean AND NOT cx.owns_program((SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user))) THEN
		RAISE EXCEPTION 'the training query of model "%" is of role "%"', first.name, first.trained_by
			USING ERRCODE = 'insufficient_privilege', HINT = 'Look at column query of cx_data.model, and give a query that you trust as third argument.';
	END IF;
	RETURN first.query;
END
$$;
COMMENT ON FUNCTION cx.comparable_query(bigint, bigint, text) IS 'query for compare_models, by default the training query of the first model; error if the models cannot be compared, or if that query is not of the current role';

CREATE FUNCTION cx.check_comparable_rows(model bigint, columns text[], types text[]) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	m cx_data.model;
BEGIN
	SELECT * INTO m FROM cx_data.model AS known WHERE known.model_id = check_comparable_rows.model;
	IF m.key IS NULL AND NOT m.options ?| '{holdout_after,holdout_where}' AND (columns, types) IS DISTINCT FROM (m.columns, m.column_types) THEN
		RAISE EXCEPTION 'the rows that model "%" held out cannot be told, for it has no key and the query gives other columns than its training query', m.name
			USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The training query gives %s.', (SELECT string_agg(c.name || ' ' || c.type, ', ' ORDER BY c.place) FROM unnest(m.columns, m.column_types) WITH ORDINALITY AS c (name, type, place))),
				HINT = 'Give the same columns in the same order with the same types, or train with key, or on one query, from which option exclude takes columns.';
	ELSIF m.column_types[array_position(m.columns, m.key)] <> types[array_position(columns, m.key)] THEN
		RAISE EXCEPTION 'key "%" of model "%" is of type %, and the query gives %', m.key, m.name, m.column_types[array_position(m.columns, m.key)], types[array_position(columns, m.key)]
			USING ERRCODE = 'datatype_mismatch', HINT = 'Cast the key in the query to the type that it had in training.';
	END IF;
END
$$;
COMMENT ON FUNCTION cx.check_comparable_rows(bigint, text[], text[]) IS 'raises an error if a query with these columns does not tell which rows a model held out; part of compare_models';

CREATE FUNCTION cx.compare_models(a text, b text, query text DEFAULT NULL)
	RETURNS TABLE (row_count bigint, event_count bigint, auc_a double precision, auc_b double precision, difference double precision, lower double precision, upper double precision, p_value double precision, verdict text)
	LANGUAGE plpgsql AS $$
DECLARE
	first CONSTANT pg_catalog.int8 := cx.find_model_text(a);
	second CONSTANT pg_catalog.int8 := cx.find_model_text(b);
	source CONSTANT pg_catalog.text := cx.comparable_query(first, second, query);
	columns CONSTANT pg_catalog.text[] := cx.query_columns(source);
	types CONSTANT pg_catalog.text[] := cx.query_types(source);
	column_name pg_catalog.text;
BEGIN
	PERFORM cx.check_comparable_rows(first, columns, types), cx.check_comparable_rows(second, columns, types);
	SELECT pg_catalog.quote_ident(m.target) INTO column_name FROM cx_data.model AS m WHERE m.model_id OPERATOR(pg_catalog.=) first;
	RETURN QUERY EXECUTE pg_catalog.format($compare$
		SELECT c.row_count, c.event_count, (c.area_a).value, (c.area_b).value, (c.d).difference, (c.d).lower, (c.d).upper, (c.d).p_value,
			CASE WHEN (c.d).significant IS NOT TRUE THEN 'no difference to be told' WHEN (c.d).difference > 0 THEN %L ELSE %L END
		FROM (SELECT pg_catalog.count(*) AS row_count, pg_catalog.count(*) FILTER (WHERE s.outcome) AS event_count,
				cx.roc_area(s.score_a, s.outcome) AS area_a, cx.roc_area(s.score_b, s.outcome) AS area_b, cx.roc_difference(s.outcome, s.score_a, s.score_b) AS d
			FROM (SELECT q.%3$s::pg_catalog.int4::pg_catalog.bool AS outcome, cx.predict(first.predictor, q.row_of_query) AS score_a, cx.predict(second.predictor, q.row_of_query) AS score_b
				FROM (SELECT q AS row_of_query, q.%3$s, %4$s AND %5$s AS is_held_out FROM %6$s AS q WHERE q.%3$s IS NOT NULL) AS q,
					cx_data.model AS first, cx_data.model AS second
				WHERE q.is_held_out AND first.model_id OPERATOR(pg_catalog.=) $1 AND second.model_id OPERATOR(pg_catalog.=) $2) AS s) AS c$compare$,
		b || ' is better'::pg_catalog.text, a || ' is better'::pg_catalog.text, column_name, cx.holdout_condition(first), cx.holdout_condition(second), cx.query_subselect(source))
	USING first, second;
END
$$;
COMMENT ON FUNCTION cx.compare_models(text, text, text) IS 'which of two models tells the outcomes apart better, on rows that both held out: areas under the ROC curve, their difference (b minus a) with its 95 % interval, and p-value of the paired test of DeLong, DeLong and Clarke-Pearson (1988). A model is named by its name (its champion) or as name@version. The rows are those of the query, which must give the columns of both training queries, and just these in their order if a model has neither key nor time nor condition, by default the training query of a, if the caller trained it. Rows of a query that changed since may have been learnt from, unless both models have a key or a time';
