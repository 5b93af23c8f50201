// SPDX-License-Identifier: PostgreSQL
#include "memory_workload.h"

#include "advise/foreign_key.h"
#include "base/text.h"

#include <string.h>

static const char keys[] =
    "@constraints id relation_id name type foreign_relation_id parent_id columns foreign_columns\n"
    "50|6|odd_fkey|f|1|0|{1}|{1}\n51|1|orders_small_fkey|f|2|0|{1}|{1}\n52|3|events_fkey|f|1|0|{2,1}|{1,2}\n"
    "53|1|orders_check|c|0|0|{1}|{}\n54|4|events_1_fkey|f|1|52|{2,1}|{1,2}\n";

static const SnapshotConstraint *
constraint_of(const Snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->constraint_count; i++)
        if (strcmp(snapshot->constraints[i].name, name) == 0)
            return &snapshot->constraints[i];
    fail_msg("no constraint %s", name);
    return NULL;
}

static void
a_key_lacks_an_index_unless_one_begins_with_its_columns(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *text = arena_printf(arena, "%s%s", memory_shop, keys);
    const Snapshot *snapshot = memory_workload(arena, text, NULL, 0).context.snapshot;
    assert_true(foreign_key_lacks_index(snapshot, constraint_of(snapshot, "odd_fkey")));
    assert_true(foreign_key_lacks_index(snapshot, constraint_of(snapshot, "events_fkey")));
    assert_false(foreign_key_lacks_index(snapshot, constraint_of(snapshot, "orders_small_fkey")));
    assert_false(foreign_key_lacks_index(snapshot, constraint_of(snapshot, "orders_check")));
    assert_false(foreign_key_lacks_index(snapshot, constraint_of(snapshot, "events_1_fkey")));
}

static void
the_look_up_is_the_servers_own(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *text = arena_printf(arena, "%s%s", memory_shop, keys);
    const Snapshot *snapshot = memory_workload(arena, text, NULL, 0).context.snapshot;
    assert_string_equal(foreign_key_lookup(arena, snapshot, constraint_of(snapshot, "odd_fkey")),
                        "SELECT 1 FROM ONLY public.\"Odd Näme\" x WHERE $1 = \"Köl\" FOR KEY SHARE OF x");
    assert_string_equal(foreign_key_lookup(arena, snapshot, constraint_of(snapshot, "events_fkey")),
                        "SELECT 1 FROM public.events x WHERE $1 = kind AND $2 = day FOR KEY SHARE OF x");
    assert_false(foreign_key_lookups_are_counted(snapshot));
    SnapshotStatement counted = {.text =
                                     "SELECT $2 FROM ONLY \"public\".\"t\" x WHERE $1 OPERATOR(pg_catalog.=) "
                                     "\"a\" FOR KEY SHARE OF x"};
    Snapshot other = *snapshot;
    other.statements = &counted;
    other.statement_count = 1;
    assert_true(foreign_key_lookups_are_counted(&other));
}

static void
deletes_and_changes_of_the_referenced_key_check_it(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        bool is_checked;
    } cases[] = {
        {"delete from orders where id = 1", true},           {"update orders set id = 2 where id = 1", true},
        {"update orders set total = 2 where id = 1", false}, {"insert into orders (id) values (1)", false},
        {"select * from orders where id = 1", false},        {"delete from small where id = 1", false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const MemoryStatement statement = {cases[i].statement, 1, 1, 1, 10};
        const char *text = arena_printf(arena, "%s%s", memory_shop, keys);
        Fixture fixture = memory_workload(arena, text, &statement, 1);
        const SnapshotConstraint *constraint = constraint_of(fixture.context.snapshot, "odd_fkey");
        if (foreign_key_is_checked_by(constraint, fixture.workload->statements[0].analysis) !=
            cases[i].is_checked)
            fail_msg("%s", cases[i].statement);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_lacks_an_index_unless_one_begins_with_its_columns),
        cmocka_unit_test(the_look_up_is_the_servers_own),
        cmocka_unit_test(deletes_and_changes_of_the_referenced_key_check_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
