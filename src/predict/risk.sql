-- Risk of leaving from signals, without a trained model

CREATE FUNCTION cx.churn_risk_add(state double precision[], log_odds double precision, at timestamptz, as_of timestamptz, half_life interval, base_rate double precision) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_add(double precision[], double precision, timestamptz, timestamptz, interval, double precision) IS 'adds one signal; support function of churn_risk';

CREATE FUNCTION cx.churn_risk_combine(state double precision[], other double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_combine(double precision[], double precision[]) IS 'puts two states together; support function of churn_risk';

CREATE FUNCTION cx.churn_risk_final(state double precision[]) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.churn_risk_final(double precision[]) IS 'gives the risk; support function of churn_risk';

CREATE FUNCTION cx.decayed_log_odds(log_odds double precision, at timestamptz, as_of timestamptz, half_life interval) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.decayed_log_odds(double precision, timestamptz, timestamptz, interval) IS 'what a signal adds to the log-odds in churn_risk: log_odds 2^(-(as_of - at) / half_life), 0 if it happens after as_of';

CREATE AGGREGATE cx.churn_risk(log_odds double precision, at timestamptz, as_of timestamptz, half_life interval, base_rate double precision) (
	SFUNC = cx.churn_risk_add, STYPE = double precision[], INITCOND = '{0,0}',
	FINALFUNC = cx.churn_risk_final, COMBINEFUNC = cx.churn_risk_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.churn_risk(double precision, timestamptz, timestamptz, interval, double precision) IS 'risk of leaving from signals, 0..1: logistic(logit(base_rate) + sum of log_odds 2^(-(as_of - at) / half_life)). log_odds is the natural logarithm of the factor by which a signal multiplies the odds of leaving; signals after as_of count nothing, and so do rows with NULL log_odds, as of a customer without signals, whose risk is base_rate; NULL if there are no rows. half_life in days or hours (a day is 24 hours), no months, may differ from signal to signal; base_rate between 0 and 1, the same for all rows of a group';
