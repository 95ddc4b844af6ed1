\echo Use "CREATE EXTENSION cx" to load this file. \quit

-- An existing schema cx belongs to somebody else, so this plain CREATE refuses it.
CREATE SCHEMA cx;
COMMENT ON SCHEMA cx IS 'customer experience management: types, aggregates and functions of the extension cx';
GRANT USAGE ON SCHEMA cx TO PUBLIC;

