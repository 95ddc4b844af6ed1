-- Reports on predictions whose outcome is known

CREATE FUNCTION cx.evaluation_add(state internal, probability double precision, outcome boolean) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_add(internal, double precision, boolean) IS 'adds one row; support function of evaluation';

CREATE FUNCTION cx.evaluation_final(internal) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_final(internal) IS 'final function of evaluation';

CREATE AGGREGATE cx.evaluation(probability double precision, outcome boolean) (
	SFUNC = cx.evaluation_add, STYPE = internal, FINALFUNC = cx.evaluation_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.evaluation(double precision, boolean) IS 'report on predicted probabilities (0..1) of an outcome that is known by now: rows, events, base_rate, mean_probability; auc with auc_std_error, auc_lower and auc_upper as roc_area gives them, gini (2 auc - 1), ks (Kolmogorov-Smirnov distance); log_loss (natural logarithm, probabilities at least 1e-15 from 0 and 1), brier (mean squared error); accuracy, precision, recall and counts where 0.5 and more predicts the event, base_accuracy of always saying the commoner outcome; calibration_error (mean distance of predicted and observed over tenths of the rows); lift, calibration and roc, which lift_table, calibration_table and roc_table read. Rows of the same probability share their events out, so the order of rows does not matter. What is undefined is null, rows with a NULL are left out; NULL without any. Memory as roc_area';

CREATE FUNCTION cx.evaluation_of_numbers_add(state internal, predicted double precision, outcome double precision) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_of_numbers_add(internal, double precision, double precision) IS 'adds one row; support function of evaluation_of_numbers';

CREATE FUNCTION cx.evaluation_of_numbers_final(internal) RETURNS jsonb
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.evaluation_of_numbers_final(internal) IS 'final function of evaluation_of_numbers';

CREATE AGGREGATE cx.evaluation_of_numbers(predicted double precision, outcome double precision) (
	SFUNC = cx.evaluation_of_numbers_add, STYPE = internal, FINALFUNC = cx.evaluation_of_numbers_final,
	COMBINEFUNC = cx.number_columns_combine, SERIALFUNC = cx.number_columns_serialize, DESERIALFUNC = cx.number_columns_deserialize, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.evaluation_of_numbers(double precision, double precision) IS 'report on predicted numbers whose outcome is known by now: rows, mean_predicted, mean_outcome, rmse (root of the mean squared error), mae (mean absolute error), both in the unit of the outcome, r_squared (1 - squared errors / squared deviations from the mean outcome; negative if the mean predicts better), and calibration, which calibration_table reads. What is undefined is null, rows with a NULL are left out; NULL without any. Memory as roc_area';

CREATE FUNCTION cx.lift_table(report jsonb) RETURNS TABLE (decile integer, rows bigint, events double precision, lowest_probability double precision, rate double precision, lift double precision, cumulative_lift double precision, capture double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.decile, t.rows, t.events, t.lowest_probability, t.rate, t.lift, t.cumulative_lift, t.capture
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'lift'))
			AS t (decile integer, rows bigint, events double precision, lowest_probability double precision, rate double precision, lift double precision, cumulative_lift double precision, capture double precision)
		ORDER BY t.decile;
	END;
COMMENT ON FUNCTION cx.lift_table(jsonb) IS 'tenths of the rows of a report of evaluation, those with the highest probability first: decile 1..10, its rows (the first k tenths are that many rows rounded up) and events (not whole where rows of the same probability are divided), the lowest probability in it, rate (events / rows, 0..1), lift (rate / base rate), cumulative_lift and capture (share of all events, 0..1) of it and the deciles before it';

CREATE FUNCTION cx.calibration_table(report jsonb) RETURNS TABLE (bin integer, rows bigint, predicted double precision, observed double precision, observed_lower double precision, observed_upper double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.bin, t.rows, t.predicted, t.observed, t.observed_lower, t.observed_upper
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'calibration'))
			AS t (bin integer, rows bigint, predicted double precision, observed double precision, observed_lower double precision, observed_upper double precision)
		ORDER BY t.bin;
	END;
COMMENT ON FUNCTION cx.calibration_table(jsonb) IS 'ten bins of rows of a report of evaluation or evaluation_of_numbers, as ntile(10) makes them, the lowest prediction first: bin 1..10, its rows, the mean prediction, the mean outcome (of a probability the share of events, 0..1, with its 95 % Wilson interval)';

CREATE FUNCTION cx.roc_table(report jsonb) RETURNS TABLE (threshold double precision, false_positive_rate double precision, true_positive_rate double precision)
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT t.threshold, t.false_positive_rate, t.true_positive_rate
		FROM pg_catalog.jsonb_to_recordset(pg_catalog.jsonb_extract_path(report, 'roc'))
			AS t (threshold double precision, false_positive_rate double precision, true_positive_rate double precision)
		ORDER BY t.true_positive_rate, t.false_positive_rate;
	END;
COMMENT ON FUNCTION cx.roc_table(jsonb) IS 'points of the ROC curve of a report of evaluation, at most 201: which share of those without the event (false_positive_rate) and with it (true_positive_rate) have at least the probability threshold, NULL where no row is taken; none if only one outcome occurs';
