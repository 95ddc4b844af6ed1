-- How much of a change of NPS is a change of the mix

CREATE TYPE cx.mix_change AS (
	difference double precision,
	within double precision,
	mix double precision,
	lower double precision,
	upper double precision,
	responses_before bigint,
	responses_after bigint
);
COMMENT ON TYPE cx.mix_change IS 'a change of NPS taken apart: within + mix = difference';
COMMENT ON COLUMN cx.mix_change.difference IS 'change of the total NPS in points, after minus before';
COMMENT ON COLUMN cx.mix_change.within IS 'points that come from changes within the strata: mean share times change of NPS, summed';
COMMENT ON COLUMN cx.mix_change.mix IS 'points that come from a change of the mix: mean NPS times change of share, summed';
COMMENT ON COLUMN cx.mix_change.lower IS 'lower end of the 95 % interval of within, the shares taken as given';
COMMENT ON COLUMN cx.mix_change.upper IS 'upper end of the 95 % interval of within, the shares taken as given';
COMMENT ON COLUMN cx.mix_change.responses_before IS 'answers before, over all strata';
COMMENT ON COLUMN cx.mix_change.responses_after IS 'answers after, over all strata';

CREATE FUNCTION cx.nps_mix_add(state double precision[], before cx.tally, after cx.tally) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_add(double precision[], cx.tally, cx.tally) IS 'adds one stratum; support function of nps_mix_change';

CREATE FUNCTION cx.nps_mix_combine(double precision[], double precision[]) RETURNS double precision[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_combine(double precision[], double precision[]) IS 'both states together; support function of nps_mix_change';

CREATE FUNCTION cx.nps_mix_final(double precision[]) RETURNS cx.mix_change
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.nps_mix_final(double precision[]) IS 'final function of nps_mix_change';

CREATE AGGREGATE cx.nps_mix_change(before cx.tally, after cx.tally) (
	SFUNC = cx.nps_mix_add, STYPE = double precision[], INITCOND = '{0,0,0,0,0,0,0,0,0}',
	FINALFUNC = cx.nps_mix_final, COMBINEFUNC = cx.nps_mix_combine, PARALLEL = SAFE
);
COMMENT ON AGGREGATE cx.nps_mix_change(cx.tally, cx.tally) IS 'change of NPS over strata, one row each, taken apart into change within the strata and change of the mix (Kitagawa 1955); a stratum without answers on one side is all mix; NULL if a side has no answers at all; the 95 % interval is of within and takes the shares as given';
