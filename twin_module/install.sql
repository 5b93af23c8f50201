-- SPDX-License-Identifier: PostgreSQL
-- Objects of the twin module, for a superuser in an empty database (best: the template of all twins).
-- @MODULE@ stands for the absolute path of fettle_twin.so; replace it before running. The path may hold anything but
-- the dollar quote $fettle_path$ and a line feed. One transaction; fails when it was installed before.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL check_function_bodies = off;
CREATE SCHEMA fettle_twin;
COMMENT ON SCHEMA fettle_twin IS 'planner twin: sizes and statistics without rows';

DO $install$
DECLARE
    module text := $fettle_path$@MODULE@$fettle_path$;
    declaration text;
BEGIN
    FOREACH declaration IN ARRAY ARRAY[
        'twin_handler(internal) RETURNS table_am_handler AS %L, ''fettle_twin_handler'' LANGUAGE c STRICT',
        'index_estimate(index regclass, OUT blocks bigint, OUT tuples float8, OUT height int) AS %L, ''fettle_twin_index_estimate'' LANGUAGE c STRICT',
        'untrusted_array(value text, element_type oid, run_as oid) RETURNS int[] AS %L, ''fettle_twin_untrusted_array'' LANGUAGE c'
    ] LOOP
        EXECUTE 'CREATE FUNCTION fettle_twin.' || format(declaration, module);
    END LOOP;
END
$install$;

-- CREATE FUNCTION does not allow a result of type anyarray without an argument of it, but array_in() has one as well.
UPDATE pg_proc SET prorettype = 'anyarray'::regtype WHERE oid = 'fettle_twin.untrusted_array(text, oid, oid)'::regprocedure;

CREATE ACCESS METHOD twin TYPE TABLE HANDLER fettle_twin.twin_handler;
COMMENT ON ACCESS METHOD twin IS 'heap without rows, whose size the planner reads from pg_class.relrewrite';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fettle_twin FROM PUBLIC;
COMMIT;
