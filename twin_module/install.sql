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
        'index_estimate(index regclass, OUT blocks bigint, OUT tuples float8, OUT height int)
            AS %L, ''fettle_twin_index_estimate'' LANGUAGE c STRICT',
        'named_index_blocks(index text) RETURNS bigint
            AS %L, ''fettle_twin_named_index_blocks'' LANGUAGE c STRICT',
        'index_ends_set(index regclass, low text, high text) RETURNS boolean
            AS %L, ''fettle_twin_index_ends_set'' LANGUAGE c',
        'index_ends_from_statistics(index regclass) RETURNS boolean
            AS %L, ''fettle_twin_index_ends_from_statistics'' LANGUAGE c STRICT',
        'gin_counts_set(index regclass, total_pages bigint, entry_pages bigint, data_pages bigint, entries bigint) RETURNS boolean
            AS %L, ''fettle_twin_gin_counts_set'' LANGUAGE c STRICT',
        'untrusted_array(value text, element_type oid, run_as oid) RETURNS int[]
            AS %L, ''fettle_twin_untrusted_array'' LANGUAGE c',
        'values_type(relation regclass, attribute int2, kind int2) RETURNS oid
            AS %L, ''fettle_twin_values_type'' LANGUAGE c STRICT',
        'expression_values_type(statistics oid, expression int, kind int2) RETURNS oid
            AS %L, ''fettle_twin_expression_values_type'' LANGUAGE c STRICT',
        'slot_is_sound(relation oid, attribute int2, kind int2, numbers real[], vals anyarray) RETURNS boolean
            AS %L, ''fettle_twin_slot_is_sound'' LANGUAGE c',
        'ndistinct_build(statistics oid, attribute_names text[], attribute_numbers int2[], value text) RETURNS pg_ndistinct
            AS %L, ''fettle_twin_ndistinct_build'' LANGUAGE c',
        'dependencies_build(statistics oid, attribute_names text[], attribute_numbers int2[], value text) RETURNS pg_dependencies
            AS %L, ''fettle_twin_dependencies_build'' LANGUAGE c',
        'mcv_build(statistics oid, attribute_names text[], vals text[], nulls boolean[], frequencies float8[],
            base_frequencies float8[], run_as oid) RETURNS pg_mcv_list
            AS %L, ''fettle_twin_mcv_build'' LANGUAGE c'
    ] LOOP
        EXECUTE 'CREATE FUNCTION fettle_twin.' || format(declaration, module);
    END LOOP;
END
$install$;

CREATE FUNCTION fettle_twin.statistics_mend(relation regclass) RETURNS bigint LANGUAGE sql AS $body$
    WITH slot AS (
        SELECT starelid, staattnum, stainherit,
               fettle_twin.slot_is_sound(starelid, staattnum, stakind1, stanumbers1, stavalues1) AS sound1,
               fettle_twin.slot_is_sound(starelid, staattnum, stakind2, stanumbers2, stavalues2) AS sound2,
               fettle_twin.slot_is_sound(starelid, staattnum, stakind3, stanumbers3, stavalues3) AS sound3,
               fettle_twin.slot_is_sound(starelid, staattnum, stakind4, stanumbers4, stavalues4) AS sound4,
               fettle_twin.slot_is_sound(starelid, staattnum, stakind5, stanumbers5, stavalues5) AS sound5
        FROM pg_catalog.pg_statistic WHERE starelid = relation),
    mended AS (
        UPDATE pg_catalog.pg_statistic s SET
            stakind1 = CASE WHEN sound1 THEN stakind1 ELSE 0 END, stakind2 = CASE WHEN sound2 THEN stakind2 ELSE 0 END,
            stakind3 = CASE WHEN sound3 THEN stakind3 ELSE 0 END, stakind4 = CASE WHEN sound4 THEN stakind4 ELSE 0 END,
            stakind5 = CASE WHEN sound5 THEN stakind5 ELSE 0 END
        FROM slot
        WHERE (s.starelid, s.staattnum, s.stainherit) = (slot.starelid, slot.staattnum, slot.stainherit)
          AND NOT (sound1 AND sound2 AND sound3 AND sound4 AND sound5)
        RETURNING 5 - sound1::int - sound2::int - sound3::int - sound4::int - sound5::int AS slots)
    SELECT coalesce(sum(slots), 0)::bigint FROM mended
$body$;

CREATE FUNCTION fettle_twin.mcv_build(statistics oid, attribute_names text[], items jsonb, run_as oid) RETURNS pg_mcv_list
LANGUAGE sql AS $body$
    SELECT fettle_twin.mcv_build(
        statistics, attribute_names,
        (SELECT array_agg(v.cell ORDER BY i.at, v.at)
         FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, at), jsonb_array_elements_text(item -> 'values') WITH ORDINALITY AS v(cell, at)),
        (SELECT array_agg(v.cell::boolean ORDER BY i.at, v.at)
         FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, at), jsonb_array_elements_text(item -> 'nulls') WITH ORDINALITY AS v(cell, at)),
        (SELECT array_agg((item ->> 'frequency')::float8 ORDER BY at) FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, at)),
        (SELECT array_agg((item ->> 'base_frequency')::float8 ORDER BY at) FROM jsonb_array_elements(items) WITH ORDINALITY AS i(item, at)),
        run_as)
$body$;

-- CREATE FUNCTION does not allow a result of type anyarray without an argument of it, but array_in() has one as well.
UPDATE pg_proc SET prorettype = 'anyarray'::regtype WHERE oid = 'fettle_twin.untrusted_array(text, oid, oid)'::regprocedure;

CREATE ACCESS METHOD twin TYPE TABLE HANDLER fettle_twin.twin_handler;
-- Its empty file stands in for those of supposed indexes.
CREATE TABLE fettle_twin.nothing (k int) USING heap;
CREATE INDEX nothing_k ON fettle_twin.nothing USING btree (k);
COMMENT ON TABLE fettle_twin.nothing IS 'must stay empty: all supposed indexes share the file of its index';

COMMENT ON ACCESS METHOD twin IS 'heap without rows, whose size the planner reads from pg_class.relrewrite';

COMMENT ON FUNCTION fettle_twin.twin_handler(internal) IS 'handler of the table access method';
COMMENT ON FUNCTION fettle_twin.index_estimate(regclass) IS
    'size that the index would have if it were built on the table that the statistics describe; height of a B-tree, root level (NULL for others)';
COMMENT ON FUNCTION fettle_twin.named_index_blocks(text) IS
    'the same, its blocks alone, also of a hypothetical index, which has no regclass; the name is qualified with its schema';
COMMENT ON FUNCTION fettle_twin.index_ends_set(regclass, text, text) IS
    'gives a B-tree on a twin table the least and greatest value of its first column (NULL: unknown), replacing earlier ones; false: not a B-tree, or a value was refused';
COMMENT ON FUNCTION fettle_twin.index_ends_from_statistics(regclass) IS
    'the same from the least and greatest value that the statistics of its first key name; false: not a B-tree, or they name none';
COMMENT ON FUNCTION fettle_twin.gin_counts_set(regclass, bigint, bigint, bigint, bigint) IS
    'writes the counts of the target''s GIN metapage; false: not a GIN index';
COMMENT ON FUNCTION fettle_twin.untrusted_array(text, oid, oid) IS
    'text of an array to an anyarray for pg_statistic, read as a role without rights; NULL and a notice when it cannot be read';
COMMENT ON FUNCTION fettle_twin.values_type(regclass, int2, int2) IS
    'element type that the values of a pg_statistic slot of this kind have, for untrusted_array(); NULL: the kind has no values, or is of an extension';
COMMENT ON FUNCTION fettle_twin.expression_values_type(oid, int, int2) IS
    'the same for an expression (from 1) of a statistics object';
COMMENT ON FUNCTION fettle_twin.slot_is_sound(oid, int2, int2, real[], anyarray) IS
    'whether the planner can read a pg_statistic slot: types and counts are those of its kind';
COMMENT ON FUNCTION fettle_twin.statistics_mend(regclass) IS
    'empties the slots of a relation''s pg_statistic rows that are not sound, and says how many; call it after writing them';
COMMENT ON FUNCTION fettle_twin.ndistinct_build(oid, text[], int2[], text) IS
    'pg_stats_ext.n_distinct for a statistics object of this database; attribute_numbers[i] in the text is column attribute_names[i] (NULL: numbers are this database''s); NULL and a notice when it does not fit';
COMMENT ON FUNCTION fettle_twin.dependencies_build(oid, text[], int2[], text) IS
    'pg_stats_ext.dependencies, as ndistinct_build';
COMMENT ON FUNCTION fettle_twin.mcv_build(oid, text[], text[], boolean[], float8[], float8[], oid) IS
    'pg_stats_ext.most_common_vals, most_common_val_nulls, most_common_freqs, most_common_base_freqs for a statistics object of this database; cells item by item, in an item the columns in the order of attribute_names, then the expressions; values are read as the role';
COMMENT ON FUNCTION fettle_twin.mcv_build(oid, text[], jsonb, oid) IS
    'the same from [{"values": [...], "nulls": [...], "frequency": f, "base_frequency": b}, ...]';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fettle_twin FROM PUBLIC;
COMMIT;
