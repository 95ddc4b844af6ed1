-- Pictures of how good predictions were

CREATE FUNCTION cx.roc_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.roc_svg(jsonb, text) IS 'ROC curve of a report of evaluation as an SVG picture: which share of those with the event and of those without it is taken, threshold by threshold, beside it AUC with its 95 % interval, Gini and Kolmogorov-Smirnov; NULL for NULL';

CREATE FUNCTION cx.lift_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.lift_svg(jsonb, text) IS 'lift by decile of a report of evaluation as an SVG picture: a bar for each tenth of the rows, those with the highest probability first, as high as its share with the event; a line where that share is among all rows; below, lift, share, events captured so far and the probability that the tenth begins from; NULL for NULL';

CREATE FUNCTION cx.calibration_svg(report jsonb, title text DEFAULT NULL) RETURNS text
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.calibration_svg(jsonb, text) IS 'calibration of a report of evaluation as an SVG picture: a dot for each tenth of the rows, what was predicted across and what was observed up with its 95 % Wilson interval, on the dashed line if they are the same; beside it calibration error, Brier score and logarithmic loss; NULL for NULL';

