END
$program$;
-- END OF PROGRAM

COMMENT ON PROCEDURE cx.define_program() IS 'makes whatever the program lacks in schema cx_data; called by create_program and upgrade_program';
