-- Triggers of the program's tables

CREATE FUNCTION cx.catalog_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.catalog_changed() IS 'trigger on the small tables of the program: sessions that keep them in memory read them again';

CREATE FUNCTION cx.feedback_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.feedback_changed() IS 'trigger on cx_data.feedback: checks what is written and keeps the tallies live';

CREATE FUNCTION cx.event_changed() RETURNS trigger
	AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION cx.event_changed() IS 'trigger on cx_data.event: checks what is written';

CREATE FUNCTION cx.metric_in_use() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' AND (OLD.code, OLD.scale_min, OLD.scale_max) = (NEW.code, NEW.scale_min, NEW.scale_max) THEN
		RETURN NEW;
	END IF;
	PERFORM cx.check_sees_all_rows();
	IF EXISTS (SELECT FROM cx_data.feedback WHERE metric = OLD.code) THEN
		RAISE EXCEPTION 'answers use metric "%", so its code and scale stay', OLD.code
			USING ERRCODE = 'foreign_key_violation', HINT = 'Add a metric of another code.';
	END IF;
	RETURN CASE TG_OP WHEN 'UPDATE' THEN NEW ELSE OLD END;
END
$$;
COMMENT ON FUNCTION cx.metric_in_use() IS 'trigger on cx_data.metric: code and scale do not change once answers use them';

CREATE FUNCTION cx.row_in_use() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
	-- where there is an index, reading the table for a first row that may not come takes much longer
	SET enable_seqscan = off SET jit = off
	AS $$
DECLARE
	used_by regclass;
	used_id bigint;
BEGIN
	-- wait for those who write, and let nobody write until it is decided that the row is gone
	LOCK TABLE cx_data.feedback, cx_data.event, cx_data.ticket IN SHARE ROW EXCLUSIVE MODE;
	PERFORM cx.check_sees_all_rows();
	FOR used_by IN
		SELECT attrelid FROM pg_attribute
		WHERE attrelid IN ('cx_data.feedback'::regclass, 'cx_data.event'::regclass, 'cx_data.ticket'::regclass) AND attname = TG_ARGV[0]
	LOOP
		EXECUTE format('SELECT gone.%1$I FROM gone CROSS JOIN LATERAL (SELECT FROM %2$s AS facts WHERE facts.%1$I = gone.%1$I LIMIT 1) AS used LIMIT 1', TG_ARGV[0], used_by) INTO used_id;
		IF used_id IS NOT NULL THEN
			RAISE EXCEPTION 'update or delete on table "%" violates the reference of table "%"', TG_TABLE_NAME, used_by
				USING ERRCODE = 'foreign_key_violation', DETAIL = format('Key (%s)=(%s) is still used.', TG_ARGV[0], used_id);
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.row_in_use() IS 'trigger on tables that feedback, events and tickets refer to by the column in its argument: refuses to delete what is referred to';

CREATE FUNCTION cx.check_org_unit_tree() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (
		WITH RECURSIVE above AS (
			SELECT NEW.parent_id AS org_unit_id
			UNION
			SELECT unit.parent_id FROM cx_data.org_unit AS unit JOIN above USING (org_unit_id)
		)
		SELECT FROM above WHERE org_unit_id = NEW.org_unit_id
	) THEN
		RAISE EXCEPTION 'org_unit "%" would belong to itself', NEW.code
			USING ERRCODE = 'check_violation', HINT = 'Choose a parent that is not below it.';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.check_org_unit_tree() IS 'trigger on cx_data.org_unit: no unit belongs to itself, directly or through others';

CREATE FUNCTION cx.key_stays() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'keys of table "%" do not change, for feedback and events refer to them', TG_TABLE_NAME
		USING ERRCODE = 'foreign_key_violation', HINT = 'Change the code; that is what people type.';
END
$$;
COMMENT ON FUNCTION cx.key_stays() IS 'trigger on tables that feedback and events refer to: refuses to change a key';

CREATE FUNCTION cx.zone_changed() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT to_jsonb(after_rows) ->> TG_ARGV[0], to_jsonb(after_rows) ->> 'time_zone' FROM after_rows
		EXCEPT
		SELECT to_jsonb(before_rows) ->> TG_ARGV[0], to_jsonb(before_rows) ->> 'time_zone' FROM before_rows
	) THEN
		CALL cx.rebuild_tallies();
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION cx.zone_changed() IS 'trigger on tables with a time zone and the key in its argument: when a zone changes, the hours are cut anew';
