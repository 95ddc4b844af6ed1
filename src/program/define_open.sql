-- The program's tables, indexes, views and triggers
--
-- What stands between this line and "END OF PROGRAM" is the body of one
-- procedure: the fragments src/<room>/program.sql and src/<room>/views.sql.
-- They are written so that running them again adds what is missing and leaves
-- the rest alone: that is how a program of an older version is upgraded.  A
-- column that came after its table is an ALTER TABLE ... ADD COLUMN IF NOT
-- EXISTS below it, and new columns of a view go to its end.

CREATE PROCEDURE cx.define_program()
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET client_min_messages = warning
	AS $program$
BEGIN
