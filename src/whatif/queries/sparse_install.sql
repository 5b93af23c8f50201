-- name: sparse_install
-- versions: 13-
CREATE SCHEMA fettle_twin;
COMMENT ON SCHEMA fettle_twin IS 'planner twin on a stock server: sizes by sparse files';

CREATE TABLE fettle_twin.nothing ();
COMMENT ON TABLE fettle_twin.nothing IS 'its empty file stands for a table''s while an index is made';

CREATE TABLE fettle_twin.sizes (
    relation oid PRIMARY KEY, filenode oid NOT NULL, own_blocks bigint NOT NULL, blocks bigint NOT NULL, height int NOT NULL,
    pages int NOT NULL, tuples real NOT NULL, visible int NOT NULL);
COMMENT ON COLUMN fettle_twin.sizes.own_blocks IS 'pages that the empty relation really has';

CREATE UNLOGGED TABLE fettle_twin.statistics_rows (
    relation oid, attnum int2, is_inherited bool, is_object bool, null_fraction real, width int, n_distinct real);
CREATE UNLOGGED TABLE fettle_twin.statistics_slots (
    relation oid, attnum int2, is_inherited bool, is_object bool, slot int2, kind int2, operator text, collation_name text,
    numbers text, vals text);
CREATE UNLOGGED TABLE fettle_twin.statistics_typed (
    relation oid, attnum int2, is_inherited bool, is_object bool, slot int2, kind int2, operator_id oid, collation_id oid,
    numbers real[], element_id oid, vals text);
SET allow_system_table_mods = on;
CREATE UNLOGGED TABLE fettle_twin.statistics_values (
    relation oid, attnum int2, is_inherited bool, is_object bool, slot int2, vals anyarray);
RESET allow_system_table_mods;

CREATE FUNCTION fettle_twin.sizes_hide(root oid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    WITH RECURSIVE tree AS (
        SELECT root AS id UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.id)
    UPDATE pg_class c SET relfilenode = n.relfilenode
    FROM fettle_twin.sizes s, pg_class n
    WHERE s.relation = c.oid AND c.relkind IN ('r', 'm') AND n.oid = 'fettle_twin.nothing'::regclass
      AND (root = 0 OR c.oid IN (SELECT id FROM tree));
END
$body$;
COMMENT ON FUNCTION fettle_twin.sizes_hide(oid) IS
    'until sizes_show() or ROLLBACK this session sees a table and what is below it (0: all) as empty';

CREATE FUNCTION fettle_twin.sizes_show(root oid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    WITH RECURSIVE tree AS (
        SELECT root AS id UNION SELECT i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.id)
    UPDATE pg_class c SET relfilenode = s.filenode, relpages = s.pages, reltuples = s.tuples, relallvisible = s.visible
    FROM fettle_twin.sizes s
    WHERE s.relation = c.oid AND c.relkind IN ('r', 'm') AND (root = 0 OR c.oid IN (SELECT id FROM tree));
END
$body$;

CREATE FUNCTION fettle_twin.expression_type(relation regclass, expression text) RETURNS oid LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    type_id oid;
BEGIN
    EXECUTE format('CREATE TEMPORARY VIEW fettle_expression AS SELECT %s AS value FROM %s', expression, relation);
    SELECT atttypid INTO type_id FROM pg_attribute WHERE attrelid = to_regclass('pg_temp.fettle_expression') AND attnum = 1;
    DROP VIEW pg_temp.fettle_expression;
    RETURN type_id;
EXCEPTION WHEN others THEN
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION fettle_twin.expression_type(regclass, text) IS
    'type of an expression that the server printed; it is parsed, never evaluated; NULL: does not parse';

CREATE FUNCTION fettle_twin.object_expression_type(statistics oid, number int) RETURNS oid LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RETURN (SELECT fettle_twin.expression_type(e.stxrelid, (pg_get_statisticsobjdef_expressions(e.oid))[number])
            FROM pg_statistic_ext e WHERE e.oid = statistics);
END
$body$;

CREATE FUNCTION fettle_twin.statistics_read() RETURNS bigint LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    item record;
    refused bigint := 0;
BEGIN
    BEGIN
        INSERT INTO fettle_twin.statistics_values
        SELECT relation, attnum, is_inherited, is_object, slot, array_in(textout(vals), element_id, -1)
        FROM fettle_twin.statistics_typed WHERE vals IS NOT NULL AND element_id IS NOT NULL;
        RETURN 0;
    EXCEPTION WHEN others THEN
        NULL;
    END;
    FOR item IN SELECT * FROM fettle_twin.statistics_typed WHERE vals IS NOT NULL AND element_id IS NOT NULL LOOP
        BEGIN
            INSERT INTO fettle_twin.statistics_values
            VALUES (item.relation, item.attnum, item.is_inherited, item.is_object, item.slot,
                    array_in(textout(item.vals), item.element_id, -1));
        EXCEPTION WHEN others THEN
            refused := refused + 1;
        END;
    END LOOP;
    RETURN refused;
END
$body$;
COMMENT ON FUNCTION fettle_twin.statistics_read() IS
    'texts of arrays to arrays, by the caller, who must be a role without rights: reading values runs checks of domains';

CREATE FUNCTION fettle_twin.int_at(bytes bytea, place int) RETURNS bigint LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT (get_byte(bytes, place)::bigint << 24) | (get_byte(bytes, place + 1) << 16) | (get_byte(bytes, place + 2) << 8)
           | get_byte(bytes, place + 3)
$body$;

CREATE FUNCTION fettle_twin.value_count(sent bytea, element_id oid) RETURNS bigint LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT CASE WHEN sent IS NULL OR fettle_twin.int_at(sent, 4) <> 0 OR fettle_twin.int_at(sent, 8) <> element_id::bigint THEN -1
                WHEN fettle_twin.int_at(sent, 0) = 0 THEN 0
                WHEN fettle_twin.int_at(sent, 0) = 1 THEN fettle_twin.int_at(sent, 12)
                ELSE -1 END
$body$;
COMMENT ON FUNCTION fettle_twin.value_count(bytea, oid) IS
    'elements of array_send()''s list; -1: holds NULLs, has several dimensions, or is of another type';

CREATE FUNCTION fettle_twin.number_count(numbers real[]) RETURNS bigint LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT CASE WHEN numbers IS NULL OR array_ndims(numbers) > 1
                     OR EXISTS (SELECT FROM unnest(numbers) n WHERE n IS NULL OR n IN ('NaN', 'Infinity', '-Infinity')) THEN -1
                ELSE cardinality(numbers) END
$body$;

CREATE FUNCTION fettle_twin.slot_is_sound(kind int2, numbers bigint, vals bigint) RETURNS bool LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $body$
    SELECT CASE kind WHEN 1 THEN vals > 0 AND vals = numbers
                     WHEN 2 THEN vals > 1
                     WHEN 3 THEN numbers = 1
                     WHEN 4 THEN vals > 0 AND numbers - vals IN (2, 3)
                     WHEN 5 THEN numbers > 2
                     WHEN 6 THEN vals >= 0 AND numbers = 1
                     WHEN 7 THEN vals > 1
                     ELSE false END
$body$;
COMMENT ON FUNCTION fettle_twin.slot_is_sound(int2, bigint, bigint) IS
    'whether the planner can read a slot of pg_statistic with these counts; -1: there is no such list';

CREATE CAST (bytea AS pg_ndistinct) WITHOUT FUNCTION;
CREATE CAST (bytea AS pg_dependencies) WITHOUT FUNCTION;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fettle_twin FROM PUBLIC;
