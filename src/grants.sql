-- Everybody may use the extension; whoever installed it may also pass that on.

GRANT USAGE ON SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA cx TO @extowner@ WITH GRANT OPTION;
GRANT USAGE ON TYPE cx.tally, cx.estimate, cx.change, cx.mix_change, cx.state_time, cx.predictor, cx.moments, cx.survival_curve, cx.log_rank_group, cx.log_rank_test TO @extowner@ WITH GRANT OPTION;
