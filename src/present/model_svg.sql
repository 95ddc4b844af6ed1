-- The pictures of evaluation of models by their names

CREATE FUNCTION cx.model_picture_report(model text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	found_report jsonb;
BEGIN
	SELECT m.report INTO found_report FROM cx_data.model AS m WHERE m.model_id = cx.find_model_text(model);
	RETURN found_report;
END
$$;
COMMENT ON FUNCTION cx.model_picture_report(text) IS 'report of a model that is named as name (its champion) or name@version, on the rows held out; NULL if none were; error if there is no such model';

CREATE FUNCTION cx.roc_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.roc_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.roc_svg(text, text) IS 'ROC curve of a model, named as name (its champion) or name@version, on the rows held out, as roc_svg draws it of a report; its name is the title by default; NULL if no rows were held out';

CREATE FUNCTION cx.lift_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.lift_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.lift_svg(text, text) IS 'lift by decile of a model, named as name (its champion) or name@version, on the rows held out, as lift_svg draws it of a report; its name is the title by default; NULL if no rows were held out';

CREATE FUNCTION cx.calibration_svg(model text, title text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RETURN cx.calibration_svg(cx.model_picture_report(model), coalesce(title, model));
END
$$;
COMMENT ON FUNCTION cx.calibration_svg(text, text) IS 'calibration of a model, named as name (its champion) or name@version, on the rows held out, as calibration_svg draws it of a report; its name is the title by default; NULL if no rows were held out';
