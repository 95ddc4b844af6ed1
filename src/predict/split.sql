-- Which rows a model is judged by

CREATE FUNCTION cx.holdout_share(key anyelement, seed bigint DEFAULT 1, copy bigint DEFAULT 1) RETURNS double precision
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION cx.holdout_share(anyelement, bigint, bigint) IS 'where train puts a key, or a whole row of a query without one, between 0 and 1: it holds out what lies below its argument holdout. Equal values have one place, in whatever database; enum values go by their labels. Of equal whole rows each has a place of its own: copy is the number of a row among them, from 1 on, as row_number() OVER (PARTITION BY cx.holdout_share(row, seed)) gives it. Depends on nothing but the values of the key, or of all columns of the row in their order, seed and copy';
