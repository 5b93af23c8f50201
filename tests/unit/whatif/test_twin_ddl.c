// SPDX-License-Identifier: PostgreSQL
/*
 * The statements that make a twin, from snapshots in memory.
 */
#include "../snapshot/memory_sections.h"

#include "base/text.h"
#include "whatif/twin_ddl.h"
#include "whatif/twin_ddl_table.h"

#include <math.h>
#include <string.h>

#define META "@meta key value\nserver_version_num|150004\n"

static const Snapshot *
decoded(Arena *arena, const char *text)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_decode(arena, memory_sections(arena, text), &snapshot, &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static void
a_table_has_its_columns_in_order_with_fillers_for_dropped_ones(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot =
        decoded(arena, META "@relations id schema name kind persistence options\n1|public|Order "
                            "Items|r|p|fillfactor=70\n2|s|u|r|u|\\N\n"
                            "@columns relation_id attnum name type_name collation default_expression "
                            "generated identity is_not_null "
                            "is_dropped option_n_distinct\n"
                            "1|1|id|integer|\\N|\\N|\\N|a|t|f|\\N\n"
                            "1|2|........pg.dropped.2........|\\N|\\N|\\N|\\N|\\N|f|t|\\N\n"
                            "1|3|Name|text|\"C\"|'x'::text|\\N|\\N|f|f|-0.5\n"
                            "1|4|twice|integer|\\N|(id * 2)|s|\\N|f|f|\\N\n");
    assert_string_equal(
        twin_ddl_table(arena, snapshot_relation(snapshot, 1)),
        "CREATE TABLE public.\"Order Items\" (id integer GENERATED ALWAYS AS IDENTITY NOT NULL, "
        "fettle_dropped_2 integer, \"Name\" text COLLATE \"C\", "
        "twice integer GENERATED ALWAYS AS ((id * 2)) STORED) WITH (fillfactor=70)");
    assert_string_equal(twin_ddl_table(arena, snapshot_relation(snapshot, 2)),
                        "CREATE UNLOGGED TABLE s.u ()");
    TextList after = twin_ddl_columns(arena, snapshot_relation(snapshot, 1));
    assert_int_equal(after.count, 3);
    assert_string_equal(after.items[0],
                        "ALTER TABLE ONLY public.\"Order Items\" DROP COLUMN fettle_dropped_2");
    assert_string_equal(
        after.items[1],
        "ALTER TABLE ONLY public.\"Order Items\" ALTER COLUMN \"Name\" SET DEFAULT 'x'::text");
    assert_string_equal(
        after.items[2],
        "ALTER TABLE ONLY public.\"Order Items\" ALTER COLUMN \"Name\" SET (n_distinct = -0.5)");
    assert_int_equal(twin_ddl_columns(arena, snapshot_relation(snapshot, 2)).count, 0);
}

static void
an_index_is_made_by_its_own_definition(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const SnapshotIndex index = {.definition = "CREATE INDEX i ON ONLY public.p USING btree (a)"};
    assert_string_equal(twin_ddl_index(arena, &index), index.definition);
}

static void
statements_come_by_phase_and_then_by_oid(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const Snapshot *shop = decoded(arena, memory_sections_shop());
    TwinDdl ddl = twin_ddl(arena, shop);
    assert_true(ddl.statements.count > 5);
    assert_int_equal(ddl.lost_objects.count, ddl.lost_reasons.count);
    for (size_t i = 0; i < ddl.statements.count; i++) {
        const TwinStatement *statement = &ddl.statements.items[i];
        assert_true(statement->text[0] != '\0' && statement->object[0] != '\0');
        assert_null(strstr(statement->text, "CONCURRENTLY"));
        if (i == 0)
            continue;
        const TwinStatement *before = &ddl.statements.items[i - 1];
        assert_true(before->phase < statement->phase ||
                    (before->phase == statement->phase && before->id <= statement->id));
    }
}

static bool
has_text(const TwinDdl *ddl, const char *words)
{
    for (size_t i = 0; i < ddl->statements.count; i++)
        if (strstr(ddl->statements.items[i].text, words) != NULL)
            return true;
    return false;
}

static void
what_could_do_harm_is_lost_and_not_made(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = decoded(
        arena, META
        "@extensions id name version "
        "schema\n5|evil_files|1.0|public\n6|hstore|1.8|public\n7|dblink|1.2|public\n"
        "@objects id kind schema name detail volatility definition\n"
        "8|function|public|f|plpython3u|v|CREATE FUNCTION public.f() RETURNS int LANGUAGE plpython3u AS 'x'\n"
        "9|function|public|g|c|i|CREATE FUNCTION public.g() RETURNS int LANGUAGE c AS 'lib'\n"
        "10|function|public|h|sql|i|CREATE FUNCTION public.h() RETURNS int LANGUAGE sql AS 'select 1'\n");
    TwinDdl ddl = twin_ddl(arena, snapshot);
    static const char *const unmade[] = {"evil_files", "dblink", "plpython3u", "LANGUAGE c"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(unmade); i++)
        if (has_text(&ddl, unmade[i]))
            fail_msg("%s is made", unmade[i]);
    assert_true(has_text(&ddl, "hstore") && has_text(&ddl, "public.h()"));
    bool is_told = false;
    for (size_t i = 0; i < ddl.lost_objects.count; i++)
        is_told = is_told || strstr(ddl.lost_objects.items[i], "evil_files") != NULL;
    assert_true(is_told);
}

static void
only_known_extensions_are_allowed(void **state)
{
    (void)state;
    static const char *const allowed[] = {"hstore", "pg_trgm", "postgis", "citext", "uuid-ossp", "vector"};
    static const char *const refused[] = {"file_fdw", "dblink", "postgres_fdw", "plpython3u", "adminpack",
                                          "",         "HSTORE", "hstore ",      "plperlu",    "pg_cron"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(allowed); i++)
        assert_true(twin_extension_is_allowed(allowed[i]));
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++)
        assert_false(twin_extension_is_allowed(refused[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_its_columns_in_order_with_fillers_for_dropped_ones),
        cmocka_unit_test(an_index_is_made_by_its_own_definition),
        cmocka_unit_test(statements_come_by_phase_and_then_by_oid),
        cmocka_unit_test(what_could_do_harm_is_lost_and_not_made),
        cmocka_unit_test(only_known_extensions_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
