// SPDX-License-Identifier: PostgreSQL
/*
 * The report of an advice made by hand, in each of its forms.
 */
#include "../advise/memory_workload.h"
#include "json_schema.h"

#include "cli/gaps.h"
#include "cli/report.h"

#include <math.h>
#include <string.h>

static PgPlan *
plan_of(Arena *arena, const char *root)
{
    PgPlan *plan = NULL;
    Error error = {0};
    const char *text = arena_printf(arena, "[{\"Plan\": %s}]", root);
    assert_true(pg_plan_parse(arena, text, strlen(text), &plan, &error));
    return plan;
}

/* Two recommendations, the second with nothing known that may be unknown; hostile words in each text. */
static Report
report_of(Arena *arena, bool with_advice)
{
    static const MemoryStatement statements[] = {
        {"select \"é\" from orders where customer_id = $1 -- \x01", 5000, 20000, 1, 900},
        {"select 1 from orders", 10, NAN, NAN, 1000}};
    Fixture fixture = memory_workload(arena, memory_shop, statements, 2);
    Advice *advice = fixture.advice;
    advice->snapshot = fixture.context.snapshot;
    advice->workload = fixture.workload;
    advice->cost_before = 20000;
    advice->cost_after = with_advice ? 1000 : 20000;
    static Recommendation recommendations[2];
    static TwinReport twin;
    for (size_t i = 0; with_advice && i < 2; i++) {
        Recommendation *one = &recommendations[i];
        *one = (Recommendation){.number = (int)i + 1,
                                .advisor = "index",
                                .kind = "create_index",
                                .object_name = "orders_customer_id_idx",
                                .relation = "public.orders",
                                .title = "index on public.orders (customer_id)",
                                .statement = "CREATE INDEX CONCURRENTLY i ...;",
                                .undo = "DROP INDEX CONCURRENTLY i;",
                                .reason = "each call reads 1,000 pages \"é\" | * _",
                                .size_bytes = i == 0 ? 2252800 : NAN,
                                .write_cost_percent = i == 0 ? 0.5 : NAN,
                                .improvement_percent = i == 0 ? 95 : 1.5,
                                .saved_ms = i == 0 ? 19000 : NAN};
        AdviceEffect effect = {.statement = &fixture.workload->statements[i],
                               .cost_before = 900,
                               .cost_after = 9,
                               .saved_ms = i == 0 ? 19800 : NAN};
        if (i == 0) {
            effect.plan_before =
                plan_of(arena, "{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\"}");
            effect.plan_after =
                plan_of(arena, "{\"Node Type\": \"Index Scan\", \"Index Name\": \"i\", \"Relation Name\": "
                               "\"o\", \"Filter\": \"(x = '\\u001b[2J\\u009b')\"}");
        }
        vector_push(arena, &one->gains, effect);
        if (i == 1)
            vector_push(arena, &one->losses, effect);
        static const char *const notes[] = {"one statement on this table could not be costed"};
        one->notes = notes;
        one->note_count = i == 0;
        vector_push(arena, &advice->recommendations, one);
    }
    Rejection rejection = {.advisor = "index",
                           .subject = "btree (status) on public.orders",
                           .reason = "not selective",
                           .weight = 0.25};
    vector_push(arena, &advice->rejections, rejection);
    twin = (TwinReport){.twin_major = 15, .build_ms = 120};
    TwinLoss loss = {.object = "extension postgis", .reason = "not installed here"};
    vector_push(arena, &twin.losses, loss);
    return (Report){.advice = advice,
                    .source = "app@db/shop",
                    .twin = &twin,
                    .target_ms = NAN,
                    .elapsed_ms = 1500,
                    .show_plans = true};
}

static const char *
written(Arena *arena, Report report, ReportFormat format)
{
    Text text = text_new(arena);
    report.format = format;
    if (format == REPORT_JSON)
        report_write_json(&text, &report);
    else
        report_write(&text, &report);
    assert_true(text_is_valid_utf8(text.data, text.length));
    assert_true(text_ends_with(text.data, "\n"));
    return text.data;
}

static void
a_line_break_in_a_name_is_kept_in_its_statement_and_nowhere_else(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Report report = report_of(arena, true);
    Recommendation *one = report.advice->recommendations.items[0];
    one->title = "index on public.orders (\"line\nbreak\")";
    one->statement = "CREATE INDEX \"it's\n\"\"a\" ON public.orders (\"line\nbreak\");\nSELECT 1;";
    report.advice->rejections.items[0].subject = "btree (\"line\nbreak\") on public.orders";
    const char *text = written(arena, report, REPORT_TEXT);
    assert_non_null(strstr(text, "       CREATE INDEX \"it's\n\"\"a\" ON public.orders (\"line\nbreak\");\n"
                                 "       SELECT 1;\n"));
    assert_non_null(strstr(text, "index on public.orders (\"line break\")"));
    assert_non_null(strstr(text, "btree (\"line break\") on public.orders"));
}

static void
the_json_fits_its_schema(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Report report = report_of(arena, i % 2 == 1);
        report.has_fidelity = i >= 2;
        report.fidelity = (Fidelity){.compared = 10, .same_shape = 10, .identical = 9};
        assert_json_fits(written(arena, report, REPORT_JSON), FETTLE_SCHEMA);
    }
}

static void
what_could_not_be_read_is_an_object_each(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const SnapshotGap gaps[] = {{"statistics", "no right to \"read\"", "GRANT it;"}, {"b", "c", ""}};
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    gaps_write_json(&json, "missing", gaps, 2);
    gaps_write_json(&json, "more", NULL, 0);
    json_object_end(&json);
    assert_string_equal(text.data, "{\"missing\":[{\"subject\":\"statistics\",\"reason\":\"no right to "
                                   "\\\"read\\\"\",\"remedy\":\"GRANT it;\"},"
                                   "{\"subject\":\"b\",\"reason\":\"c\",\"remedy\":\"\"}],\"more\":[]}");
}

static void
people_read_what_to_run_why_and_what_it_is_worth(void **state)
{
    (void)state;
    static const ReportFormat formats[] = {REPORT_TEXT, REPORT_MARKDOWN};
    static const char *const wanted[] = {"CREATE INDEX CONCURRENTLY i ...;",
                                         "DROP INDEX CONCURRENTLY i;",
                                         "customer_id",
                                         "Seq Scan on orders",
                                         "Index Scan using i on o",
                                         "(x = '?[2J?",
                                         "write cost unknown",
                                         "2.1 MB",
                                         "could not be costed",
                                         "extension postgis"};
    for (size_t f = 0; f < FETTLE_COUNT_OF(formats); f++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const char *text = written(arena, report_of(arena, true), formats[f]);
        for (size_t i = 0; i < FETTLE_COUNT_OF(wanted); i++)
            if (strstr(text, wanted[i]) == NULL)
                fail_msg("no \"%s\" in: %s", wanted[i], text);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "\x1b"));
    }
}

static void
colours_are_only_where_they_are_wanted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Report report = report_of(arena, true);
    report.is_coloured = true;
    assert_non_null(strstr(written(arena, report, REPORT_TEXT), "\x1b["));
    assert_null(strstr(written(arena, report, REPORT_JSON), "\x1b["));
}

static void
nothing_to_advise_is_said_with_the_reasons(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    const char *text = written(arena, report_of(arena, false), REPORT_TEXT);
    assert_non_null(strstr(text, "btree (status) on public.orders"));
    assert_non_null(strstr(text, "not selective"));
    assert_null(strstr(text, "CREATE INDEX"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_fits_its_schema),
        cmocka_unit_test(what_could_not_be_read_is_an_object_each),
        cmocka_unit_test(a_line_break_in_a_name_is_kept_in_its_statement_and_nowhere_else),
        cmocka_unit_test(people_read_what_to_run_why_and_what_it_is_worth),
        cmocka_unit_test(colours_are_only_where_they_are_wanted),
        cmocka_unit_test(nothing_to_advise_is_said_with_the_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
