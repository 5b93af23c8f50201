// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/text.h"
#include "snapshot/file.h"
#include "snapshot/redact.h"

#include <string.h>

static SnapshotSections *
redacted(Arena *arena, const char *text, size_t *ret_definitions)
{
    return snapshot_redact(arena, memory_sections(arena, text), ret_definitions);
}

static void
assert_nowhere(const SnapshotSections *sections, const char *word)
{
    for (size_t i = 0; i < sections->count; i++) {
        const SnapshotSection *section = &sections->items[i];
        for (size_t k = 0; k < section->row_count * section->column_count; k++)
            if (section->values[k] != NULL && strstr(section->values[k], word) != NULL)
                fail_msg("section %s, column %s: %s", section->name,
                         section->columns[k % section->column_count], section->values[k]);
    }
}

static void
no_value_of_a_user_is_left_anywhere(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    assert_nowhere(redacted(arena, memory_sections_shop(), &definitions), "secret");
}

static void
figures_schema_and_names_stay(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    SnapshotSections *sections = memory_sections(arena, memory_sections_shop());
    SnapshotSections *safe = snapshot_redact(arena, sections, &definitions);
    static const char *const whole[] = {
        "meta",    "schemas",       "objects",     "relations", "columns",
        "indexes", "index_columns", "constraints", "policies",  "extended_statistics"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(whole); i++)
        assert_true(snapshot_section_hash(snapshot_section_find(sections, whole[i])) ==
                    snapshot_section_hash(snapshot_section_find(safe, whole[i])));
    assert_string_equal(memory_sections_value(safe, "statistics", "16401", "numbers1"), "{0.9,0.1}");
    assert_string_equal(memory_sections_value(safe, "statistics", "16401", "n_distinct"), "3");
    assert_string_equal(memory_sections_value(safe, "extended_data", "16430", "ndistinct"),
                        "{\"3, 4\": 900}");
    assert_string_equal(memory_sections_value(safe, "settings", "work_mem", "value"), "4096");
    assert_string_equal(memory_sections_value(safe, "settings", "pg_stat_statements.max", "value"), "5000");
    assert_string_equal(memory_sections_value(safe, "settings", "app.api_key", "value"), "");
    assert_string_equal(memory_sections_value(safe, "gaps", "current sizes", "reason"),
                        "canceling statement due to lock timeout");
    assert_string_equal(memory_sections_value(safe, "gaps", "extended statistics", "remedy"),
                        "let a superuser read");
    assert_string_equal(memory_sections_value(safe, "statements", "-77", "text"),
                        "select * from orders where status = $1");
    assert_string_equal(memory_sections_value(safe, "statements", "78", "calls"), "1");
}

static void
a_slot_of_statistics_without_its_values_is_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    SnapshotSections *safe = redacted(arena, memory_sections_shop(), &definitions);
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_true(snapshot_decode(arena, safe, &snapshot, &error));
    assert_true(snapshot->is_redacted);
    const SnapshotRelation *orders = snapshot_relation_named(snapshot, "sales", "orders");
    const SnapshotStatistics *status = snapshot_column_statistics(orders, 3);
    assert_int_equal(status->slots[0].kind, 0);
    assert_int_equal(status->slots[1].kind, 0);
    assert_int_equal(status->slots[2].kind, 3);
    assert_string_equal(status->slots[2].numbers, "{0.5}");
    const SnapshotStatistics *total = snapshot_column_statistics(orders, 4);
    assert_int_equal(total->slots[0].kind, 6);
    assert_int_equal(total->slots[1].kind, 0);
    assert_null(total->slots[1].numbers);
    for (size_t i = 0; i < snapshot->statement_count; i++)
        assert_int_equal(snapshot->statements[i].sample_count, 0);
}

static void
statements_of_every_kind_lose_their_literals(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    static const char *const texts[] = {
        "select * from t where a = 'secret' and b = E'secret\\\\' and c = $q$secret$q$ limit 4711",
        "insert into t values (4711, 'secret') on conflict (a) do update set b = 'secret'",
        "select * from t where d > date 'secret' and e < interval 'secret'",
        "select /* secret */ 4711 -- secret",
        "select * from xmltable('/secret' passing x columns a text path 'secret' default 'secret')",
        "copy t from '/secret'",
        "copy (select 'secret') to stdout",
        "notify channel, 'secret'",
        "execute p('secret', 4711)",
        "prepare p as select 'secret'",
        "call p('secret', 4711)",
        "create table t (a text default 'secret', b integer default 4711)",
        "create view v as select 'secret', 4711",
        "create table n as select 'secret'",
        "comment on table t is 'secret'",
        "alter role bob password 'secret'",
        "create user mapping for bob server s options (password 'secret')",
        "import foreign schema s from server f into t options (a 'secret')",
        "alter system set x to 'secret'",
        "set app.key = 'secret'",
        "do $$ begin perform 'secret'; end $$",
        "explain select * from t where a = 'secret' and b = 4711",
        "select * from t where a = 'secret",
        "select * from t where a = \"secret\" and b = 4711 limit 1, 2",
        "select * from t where a = \"secret",
        "select * from t where a = $tag$secret",
        "select 1; select 'secret'",
        "/* secret */",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        size_t definitions;
        SnapshotSections *sections = memory_sections(arena, "@statements query_id text\n1|x\n");
        sections->items[0].values[1] = texts[i];
        SnapshotSections *safe = snapshot_redact(arena, sections, &definitions);
        assert_nowhere(safe, "secret");
        assert_nowhere(safe, "4711");
    }
}

static void
what_a_later_format_holds_is_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    SnapshotSections *safe = redacted(arena,
                                      "@row_samples relation_id row\n1|secret\n"
                                      "@statistics relation_id attnum values6 value\n1|1|secret|secret\n"
                                      "@statements query_id text plan\n1|select 1|secret\n"
                                      "@gaps subject reason detail\na|permission denied|secret\n",
                                      &definitions);
    assert_null(snapshot_section_find(safe, "row_samples"));
    assert_nowhere(safe, "secret");
}

static void
that_it_is_redacted_is_said_once_whatever_was_said_before(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    SnapshotSections *once = redacted(arena, memory_sections_shop(), &definitions);
    SnapshotSections *twice = snapshot_redact(arena, once, &definitions);
    assert_int_equal(snapshot_section_find(once, "reading")->row_count, 5);
    assert_true(snapshot_section_hash(snapshot_section_find(once, "reading")) ==
                snapshot_section_hash(snapshot_section_find(twice, "reading")));
    SnapshotSections *without = redacted(arena, "@meta key value\na|b\n", &definitions);
    assert_string_equal(memory_sections_value(without, "reading", "is_redacted", "value"), "true");
    /* One column where two are wanted. */
    SnapshotSections *narrow = redacted(arena, "@reading key\nrights\n", &definitions);
    assert_string_equal(memory_sections_value(narrow, "reading", "is_redacted", "value"), "true");
    SnapshotSections *strange =
        redacted(arena, "@reading a b c\n1|2|3\n@statistics values1\nx\n@settings value\nx\n", &definitions);
    assert_string_equal(memory_sections_value(strange, "reading", "is_redacted", "value"), "true");
    assert_nowhere(strange, "x");
}

static void
definitions_with_literals_are_counted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    static const struct {
        const char *definition;
        size_t count;
    } cases[] = {
        {"'open'::text", 1},
        {"nextval('sales.orders_id_seq'::regclass)", 0},
        {"now()", 0},
        {"0", 1},
        {"(total)::numeric(10,2)", 0},
        {"(total > (100)::numeric)", 1},
        {"a::character varying(20)", 0},
        {"t1.column2", 0},
        {"CREATE FUNCTION f() AS $function$ select now() $function$", 0},
        {"CREATE FUNCTION f() AS $function$ select 'x' $function$", 1},
        {"CREATE FUNCTION f() AS $function$ execute $q$x$q$ $function$", 1},
        {"CREATE FUNCTION f() AS $function$ unended", 0},
        {"\\N", 0},
        {"", 0},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        size_t definitions = 99;
        const char *text =
            arena_printf(arena, "@columns name default_expression\n1|%s\n", cases[i].definition);
        redacted(arena, text, &definitions);
        if (definitions != cases[i].count)
            fail_msg("%s: %zu", cases[i].definition, definitions);
    }
    /* In the shop: two function bodies, a view, a default, a predicate, a check and a policy. */
    size_t definitions;
    redacted(arena, memory_sections_shop(), &definitions);
    assert_int_equal(definitions, 7);
}

static void
a_redacted_snapshot_is_a_file_like_any(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("redact", (size_t)64 << 20);
    size_t definitions;
    SnapshotSections *safe = redacted(arena, memory_sections_shop(), &definitions);
    SnapshotSections *again = NULL;
    char *data = NULL;
    size_t size;
    Error error = {0};
    assert_true(snapshot_encode(arena, safe, &data, &size, &error));
    assert_true(snapshot_decode_bytes(arena, data, size, &again, &error));
    assert_true(snapshot_sections_equal(safe, again));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_of_a_user_is_left_anywhere),
        cmocka_unit_test(figures_schema_and_names_stay),
        cmocka_unit_test(a_slot_of_statistics_without_its_values_is_none),
        cmocka_unit_test(statements_of_every_kind_lose_their_literals),
        cmocka_unit_test(what_a_later_format_holds_is_left_out),
        cmocka_unit_test(that_it_is_redacted_is_said_once_whatever_was_said_before),
        cmocka_unit_test(definitions_with_literals_are_counted),
        cmocka_unit_test(a_redacted_snapshot_is_a_file_like_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
