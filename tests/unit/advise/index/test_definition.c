// SPDX-License-Identifier: PostgreSQL
#include "../memory_workload.h"

#include "advise/index/definition.h"
#include "base/random.h"
#include "base/text.h"
#include "pg/identifier.h"

#include <string.h>

static Candidate
candidate_on(const Snapshot *snapshot, const char *table, int first, int second)
{
    return (Candidate){.relation = snapshot_relation_named(snapshot, "public", table),
                       .keys = {{.attnum = first}, {.attnum = second}},
                       .key_count = second > 0 ? 2 : 1};
}

static void
a_name_says_table_and_columns_and_is_free(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = memory_workload_of(arena, NULL, 0).context.snapshot;
    Map *taken = map_new(arena);
    Candidate orders = candidate_on(snapshot, "orders", 2, 5);
    assert_string_equal(index_name_choose(arena, snapshot, &orders, taken),
                        "orders_customer_id_created_at_idx");
    assert_string_equal(index_name_choose(arena, snapshot, &orders, taken),
                        "orders_customer_id_created_at_idx1");
    assert_string_equal(index_name_choose(arena, snapshot, &orders, taken),
                        "orders_customer_id_created_at_idx2");
    assert_string_equal(
        index_name_free(arena, snapshot, "public", "orders_customer_id_created_at", "_idx", taken),
        "orders_customer_id_created_at_idx3");
    Candidate odd = candidate_on(snapshot, "Odd Näme", 1, 0);
    assert_string_equal(index_name_choose(arena, snapshot, &odd, taken), "Odd Näme_Köl_idx");
    Candidate expression = {
        .relation = orders.relation, .keys = {{.expression = "lower((note)::text) || 'x'"}}, .key_count = 1};
    assert_string_equal(index_name_choose(arena, snapshot, &expression, taken),
                        "orders_lower_note_text_x_idx");
    static const int included[] = {4};
    Candidate special = orders;
    special.included = (CandidateColumns){included, 1};
    special.predicate = "status = 'open'";
    assert_string_equal(index_name_choose(arena, snapshot, &special, taken),
                        "orders_customer_id_created_at_covering_partial_idx");
    Candidate brin = {
        .relation = orders.relation, .method = CANDIDATE_BRIN, .keys = {{.attnum = 5}}, .key_count = 1};
    assert_string_equal(index_name_choose(arena, snapshot, &brin, taken), "orders_created_at_brin_idx");
}

static void
a_name_that_a_relation_or_index_has_is_taken(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *text = arena_printf(arena, "%s%s", memory_shop, "@index_ends id low_value high_value\n");
    const Snapshot *plain = memory_workload(arena, text, NULL, 0).context.snapshot;
    Candidate pkey = candidate_on(plain, "orders", 1, 0);
    SnapshotIndex index = plain->indexes[0];
    index.name = "orders_id_idx";
    Snapshot other = *plain;
    other.indexes = &index;
    other.index_count = 1;
    assert_string_equal(index_name_choose(arena, plain, &pkey, map_new(arena)), "orders_id_idx");
    assert_string_equal(index_name_choose(arena, &other, &pkey, map_new(arena)), "orders_id_idx1");
    index.schema = "elsewhere";
    assert_string_equal(index_name_choose(arena, &other, &pkey, map_new(arena)), "orders_id_idx");
}

/* Names of any length and characters: at most 63 bytes, whole characters, never the same twice. */
static void
a_long_name_is_cut_at_a_character_and_stays_unique(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a", "é", "表", "😀", "_", "X"};
    Random random = random_new(52);
    for (int round = 0; round < 300; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)4 << 20);
        const Snapshot *snapshot = memory_workload_of(arena, NULL, 0).context.snapshot;
        Text name = text_new(arena);
        for (uint64_t left = 1 + random_below(&random, 40); left > 0; left--)
            text_append(&name, pieces[random_below(&random, FETTLE_COUNT_OF(pieces))]);
        SnapshotRelation relation = *snapshot_relation_named(snapshot, "public", "orders");
        relation.name = pg_identifier_cut(arena, name.data);
        Candidate candidate = {
            .relation = &relation, .keys = {{.attnum = 2}, {.expression = name.data}}, .key_count = 2};
        Map *taken = map_new(arena);
        for (size_t i = 0; i < 12; i++) {
            const char *chosen = index_name_choose(arena, snapshot, &candidate, taken);
            assert_true(strlen(chosen) <= PG_IDENTIFIER_BYTES && text_is_valid_utf8(chosen, strlen(chosen)));
            assert_int_equal(map_count(taken), i + 1);
        }
    }
}

static void
a_table_gets_one_concurrent_statement_and_its_undo(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = memory_workload_of(arena, NULL, 0).context.snapshot;
    Candidate orders = candidate_on(snapshot, "orders", 2, 0);
    IndexScripts scripts;
    index_scripts(arena, snapshot, &orders, "o idx", map_new(arena), &scripts);
    assert_string_equal(scripts.create,
                        "CREATE INDEX CONCURRENTLY \"o idx\" ON public.orders USING btree (customer_id);");
    assert_string_equal(scripts.undo, "DROP INDEX CONCURRENTLY public.\"o idx\";");
}

static void
a_partitioned_table_gets_its_parts_one_by_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = memory_workload_of(arena, NULL, 0).context.snapshot;
    /* events_2 has its columns the other way round: keys go by name */
    Candidate events = candidate_on(snapshot, "events", 2, 1);
    IndexScripts scripts;
    index_scripts(arena, snapshot, &events, "events_kind_day_idx", map_new(arena), &scripts);
    assert_string_equal(
        scripts.create,
        "CREATE INDEX events_kind_day_idx ON ONLY public.events USING btree (kind, day);\n"
        "CREATE INDEX CONCURRENTLY events_1_kind_day_idx ON public.events_1 USING btree (kind, day);\n"
        "ALTER INDEX public.events_kind_day_idx ATTACH PARTITION public.events_1_kind_day_idx;\n"
        "CREATE INDEX CONCURRENTLY events_2_kind_day_idx ON public.events_2 USING btree (kind, day);\n"
        "ALTER INDEX public.events_kind_day_idx ATTACH PARTITION public.events_2_kind_day_idx;");
    assert_true(scripts.attached == NULL && scripts.completed == NULL);
    assert_string_equal(scripts.undo, "DROP INDEX public.events_kind_day_idx;");
}

static void
whatever_an_index_says_its_parts_say_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const Snapshot *snapshot = memory_workload_of(arena, NULL, 0).context.snapshot;
    static const int day[] = {1};
    Candidate events = candidate_on(snapshot, "events", 2, 0);
    events.included = (CandidateColumns){day, 1};
    events.predicate = "kind = 5";
    IndexScripts scripts;
    index_scripts(arena, snapshot, &events, "i", map_new(arena), &scripts);
    assert_string_equal(
        scripts.create,
        "CREATE INDEX i ON ONLY public.events USING btree (kind) INCLUDE (day) WHERE (kind = 5);\n"
        "CREATE INDEX CONCURRENTLY events_1_kind_covering_partial_idx ON public.events_1 USING btree (kind) "
        "INCLUDE (day) WHERE (kind = 5);\n"
        "ALTER INDEX public.i ATTACH PARTITION public.events_1_kind_covering_partial_idx;\n"
        "CREATE INDEX CONCURRENTLY events_2_kind_covering_partial_idx ON public.events_2 USING btree (kind) "
        "INCLUDE (day) WHERE (kind = 5);\n"
        "ALTER INDEX public.i ATTACH PARTITION public.events_2_kind_covering_partial_idx;");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_says_table_and_columns_and_is_free),
        cmocka_unit_test(a_name_that_a_relation_or_index_has_is_taken),
        cmocka_unit_test(a_long_name_is_cut_at_a_character_and_stays_unique),
        cmocka_unit_test(a_table_gets_one_concurrent_statement_and_its_undo),
        cmocka_unit_test(a_partitioned_table_gets_its_parts_one_by_one),
        cmocka_unit_test(whatever_an_index_says_its_parts_say_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
