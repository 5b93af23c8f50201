// SPDX-License-Identifier: PostgreSQL
#include "memory_sections.h"

#include "base/text.h"
#include "snapshot/redact.h"
#include "snapshot/workload_file.h"

#include <math.h>
#include <string.h>

typedef struct Fixture {
    Arena *arena;
    const Snapshot *shop;
} Fixture;

static Fixture fixture;

static int
shop_setup(void **state)
{
    (void)state;
    fixture.arena = arena_new("workload", (size_t)1 << 30);
    Error error = {0};
    SnapshotSections *sections = memory_sections(fixture.arena, memory_sections_shop());
    return snapshot_decode(fixture.arena, sections, &fixture.shop, &error) ? 0 : -1;
}

static int
shop_teardown(void **state)
{
    (void)state;
    arena_free(fixture.arena);
    return 0;
}

static const Snapshot *
with_workload(const char *text)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    if (!snapshot_with_workload(fixture.arena, fixture.shop, text, strlen(text), "work.sql", &snapshot,
                                &error))
        fail_msg("%s", error.message);
    return snapshot;
}

static Error
refusal(const char *text, size_t length)
{
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_false(
        snapshot_with_workload(fixture.arena, fixture.shop, text, length, "work.sql", &snapshot, &error));
    assert_null(snapshot);
    assert_true(text_starts_with(error.message, "work.sql") && error.hint[0] != '\0');
    return error;
}

static void
the_workload_is_the_files_and_all_else_stays(void **state)
{
    (void)state;
    const Snapshot *snapshot = with_workload("select * from orders where id = 7;");
    assert_true(snapshot->has_statements);
    assert_int_equal(snapshot->statement_count, 1);
    const SnapshotStatement *statement = &snapshot->statements[0];
    assert_string_equal(statement->text, "select * from orders where id = 7");
    assert_true(statement->query_hash != 0);
    assert_true(statement->is_top_level && statement->role == NULL);
    assert_true(statement->calls == 1 && isnan(statement->total_ms) && isnan(statement->mean_ms));
    assert_int_equal(statement->sample_count, 1);
    assert_string_equal(statement->samples[0], statement->text);
    assert_int_equal(snapshot->relation_count, fixture.shop->relation_count);
    assert_true(snapshot->rights == SNAPSHOT_RIGHTS_FULL && snapshot->read_ms == 12.5);
    assert_true(isnan(snapshot->workload_seconds));
    /* The role that had the most time in the older workload. */
    assert_string_equal(fixture.shop->application_role, "app");
    assert_string_equal(snapshot->application_role, "app");
    assert_string_equal(snapshot->search_path, "sales, public");
}

static void
comments_give_calls_and_times(void **state)
{
    (void)state;
    const Snapshot *snapshot = with_workload("-- calls: 1200\n"
                                             "select 1 from a;\n"
                                             "  -- calls: 5, mean_ms: 3.5\r\n"
                                             "\n"
                                             "select 2 from b; -- calls: 77 behind a statement\n"
                                             "select 3 from c;\n"
                                             "-- the next one is slow\n"
                                             "-- mean_ms: 2e3\n"
                                             "-- calls: 10 (per day; a guess)\n"
                                             "/* calls: 9 */ select 4 from d;\n"
                                             "--calls:8\n"
                                             "select ';-- calls: 3' from e\n"
                                             "-- calls: 66\n"
                                             ";\n"
                                             "-- recalls: 5 and mean_ms: 8\n"
                                             "\\set x 1\n"
                                             "select 5 from f");
    static const struct {
        const char *text;
        double calls, mean_ms;
    } cases[] = {{"select 4 from d", 10, 2000},  {"select 2 from b", 5, 3.5},
                 {"select 1 from a", 1200, NAN}, {"select ';-- calls: 3' from e", 8, NAN},
                 {"select 3 from c", 1, NAN},    {"select 5 from f", 1, NAN}};
    assert_int_equal(snapshot->statement_count, FETTLE_COUNT_OF(cases));
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const SnapshotStatement *statement = &snapshot->statements[i];
        assert_string_equal(statement->text, cases[i].text);
        assert_true(statement->calls == cases[i].calls);
        assert_true(isnan(cases[i].mean_ms) ? isnan(statement->mean_ms) && isnan(statement->total_ms)
                                            : statement->mean_ms == cases[i].mean_ms &&
                                                  statement->total_ms == cases[i].calls * cases[i].mean_ms);
    }
}

static void
a_comment_that_holds_the_next_statement_is_still_a_comment(void **state)
{
    (void)state;
    const Snapshot *snapshot = with_workload(
        "-- select 1\n-- calls: 4\nselect 1;/*x*/select 2 from b;-- c\n--calls: 6\n/**/select 3 from c");
    assert_int_equal(snapshot->statement_count, 3);
    assert_true(snapshot->statements[0].calls == 6);
    assert_string_equal(snapshot->statements[0].text, "select 3 from c");
    assert_true(snapshot->statements[1].calls == 4);
    assert_string_equal(snapshot->statements[2].text, "select 2 from b");
}

static void
equal_fingerprints_are_one_statement(void **state)
{
    (void)state;
    const Snapshot *snapshot = with_workload("-- calls: 2, mean_ms: 10\nselect * from orders where id = 1;\n"
                                             "-- calls: 6, mean_ms: 2\nSELECT  * FROM orders WHERE id = 20;\n"
                                             "-- calls: 8\nselect * from orders where id = 30;\n"
                                             "select * from orders where id = $1;");
    assert_int_equal(snapshot->statement_count, 1);
    const SnapshotStatement *statement = &snapshot->statements[0];
    assert_true(statement->calls == 17);
    assert_true(statement->mean_ms == 4 && statement->total_ms == 68);
    assert_int_equal(statement->sample_count, 3);
    assert_string_equal(statement->samples[1], "SELECT  * FROM orders WHERE id = 20");
}

static void
samples_are_spread_over_the_file(void **state)
{
    (void)state;
    Text text = text_new(fixture.arena);
    for (int i = 1; i <= 1000; i++)
        text_append_format(&text, "select * from orders where id = %d;\n", i);
    const Snapshot *snapshot = with_workload(text.data);
    const SnapshotStatement *statement = &snapshot->statements[0];
    assert_true(statement->calls == 1000);
    assert_int_equal(statement->sample_count, 16);
    assert_string_equal(statement->samples[0], "select * from orders where id = 1");
    assert_string_equal(statement->samples[8], "select * from orders where id = 533");
    assert_string_equal(statement->samples[15], "select * from orders where id = 1000");
}

static void
what_does_not_parse_is_kept(void **state)
{
    (void)state;
    const Snapshot *snapshot =
        with_workload("-- calls: 3\nselect * form orders;\nselect * from orders limit 1, 2;");
    assert_int_equal(snapshot->statement_count, 2);
    assert_string_equal(snapshot->statements[0].text, "select * form orders");
    assert_true(snapshot->statements[0].calls == 3);
    assert_int_equal(snapshot->statements[0].sample_count, 0);
}

static void
a_bad_figure_is_told_with_its_line(void **state)
{
    (void)state;
    static const char *const bad[] = {"many",  "",      "1,200", "-5",    "nan", "inf",
                                      "1e300", "3.5ms", "0x10",  "1e999", "--"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        const char *text = arena_printf(fixture.arena, "select 1;\n\n-- calls: %s\nselect 2;", bad[i]);
        Error error = refusal(text, strlen(text));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "line 3"));
    }
}

static void
a_file_without_statements_is_told(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "-- calls: 5\n", ";;\n ; /* x */", "\\set a 1\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(empty); i++)
        assert_non_null(strstr(refusal(empty[i], strlen(empty[i])).message, "no statement"));
}

static void
a_file_in_another_encoding_is_told_with_its_line(void **state)
{
    (void)state;
    assert_non_null(strstr(refusal("select 1;\nselect '\xE4'", 19).message, "line 2"));
    assert_non_null(strstr(refusal("select 1;\0", 10).message, "line 1"));
    assert_non_null(strstr(refusal("\xFF\xFEs\0e\0", 6).message, "not UTF-8"));
    const Snapshot *snapshot = with_workload("\xEF\xBB\xBF-- calls: 2\nselect '\xC3\xA4'");
    assert_true(snapshot->statements[0].calls == 2);
}

static void
too_many_statements_are_told(void **state)
{
    (void)state;
    Text text = text_new(fixture.arena);
    for (int i = 0; i <= 100000; i++)
        text_append(&text, "a;");
    assert_int_equal(refusal(text.data, text.length).code, ERROR_LIMIT);
}

static void
gaps_of_the_older_workload_go_and_redaction_is_lost(void **state)
{
    (void)state;
    size_t definitions;
    SnapshotSections *sections =
        memory_sections(fixture.arena, "@meta key value\nserver_version_num|150004\n"
                                       "@gaps subject reason remedy\n"
                                       "pg_stat_statements|the extension is not installed|x\n"
                                       "current sizes|canceling statement due to|y\n");
    const Snapshot *redacted = NULL;
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_true(snapshot_decode(fixture.arena, snapshot_redact(fixture.arena, sections, &definitions),
                                &redacted, &error));
    assert_true(redacted->is_redacted && redacted->gap_count == 2);
    assert_true(snapshot_with_workload(fixture.arena, redacted, "select 'a'", 10, "w", &snapshot, &error));
    assert_false(snapshot->is_redacted);
    assert_int_equal(snapshot->gap_count, 1);
    assert_string_equal(snapshot->gaps[0].subject, "current sizes");
    assert_string_equal(snapshot->gaps[0].remedy, "y");
}

static void
a_hostile_snapshot_takes_a_workload_too(void **state)
{
    (void)state;
    SnapshotSections *sections = memory_sections(
        fixture.arena, "@meta key value\nserver_version_num|150004\n@reading a\n1\n@gaps b\n2\n");
    const Snapshot *strange = NULL;
    const Snapshot *snapshot = NULL;
    Error error = {0};
    assert_true(snapshot_decode(fixture.arena, sections, &strange, &error));
    assert_true(snapshot_with_workload(fixture.arena, strange, "select 1", 8, "w", &snapshot, &error));
    assert_true(snapshot->has_statements);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_workload_is_the_files_and_all_else_stays),
        cmocka_unit_test(comments_give_calls_and_times),
        cmocka_unit_test(a_comment_that_holds_the_next_statement_is_still_a_comment),
        cmocka_unit_test(equal_fingerprints_are_one_statement),
        cmocka_unit_test(samples_are_spread_over_the_file),
        cmocka_unit_test(what_does_not_parse_is_kept),
        cmocka_unit_test(a_bad_figure_is_told_with_its_line),
        cmocka_unit_test(a_file_without_statements_is_told),
        cmocka_unit_test(a_file_in_another_encoding_is_told_with_its_line),
        cmocka_unit_test(too_many_statements_are_told),
        cmocka_unit_test(gaps_of_the_older_workload_go_and_redaction_is_lost),
        cmocka_unit_test(a_hostile_snapshot_takes_a_workload_too),
    };
    return cmocka_run_group_tests(tests, shop_setup, shop_teardown);
}
