// SPDX-License-Identifier: PostgreSQL
/* What people read of scheduled changes and of the report of results. */
#include "../death.h"

#include "cli/result_report_text.h"
#include "cli/scheduled_text.h"

#include <math.h>
#include <string.h>

static void
assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static ScheduledChange
waiting(void)
{
    return (ScheduledChange){.id = 3,
                             .recommendation_id = 17,
                             .text = "Create \033[31mindex",
                             .target_name = "shop",
                             .moment = "window",
                             .from_us = INT64_C(1771635600) * 1000000,
                             .to_us = INT64_C(1771646400) * 1000000,
                             .sql = "CREATE",
                             .state = "waiting",
                             .requested_by = "ann"};
}

static void
a_change_that_waits_shows_its_moment_and_one_that_ended_its_end(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("scheduled", 65536);
    Text text = text_new(arena);
    ScheduledChange change = waiting();
    scheduled_text_append(&text, &change);
    assert_has(text.data, "planned for 2026-02-21T01:00:00Z to 2026-02-21T04:00:00Z (window)");
    assert_has(text.data, "approved by ann");
    assert_null(strchr(text.data, '\033'));
    change.state = "refused";
    change.message = "the table is gone";
    change.ended_at_us = change.from_us;
    text = text_new(arena);
    scheduled_text_append(&text, &change);
    assert_has(text.data, "ended 2026-02-21T01:00:00Z");
    assert_has(text.data, "the table is gone");
}

static void
a_scheduled_change_is_the_same_object_alone_and_in_a_list(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("scheduled", 65536);
    Text alone = text_new(arena);
    Text listed = text_new(arena);
    ScheduledChange change = waiting();
    scheduled_json_append(&alone, &change);
    assert_has(alone.data, "\"scheduled_change_id\": 3");
    assert_has(alone.data, "\"ended_at\": null");
    JsonWriter json = json_writer_new(&listed, true);
    scheduled_json_write(&json, &change);
    text_append_char(&listed, '\n');
    assert_string_equal(alone.data, listed.data);
}

static void
the_report_says_where_there_is_not_enough_data(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("report", 1 << 20);
    ImplementationOutcome outcomes[8];
    for (size_t i = 0; i < FETTLE_COUNT_OF(outcomes); i++)
        outcomes[i] = (ImplementationOutcome){.source_type = "index",
                                              .kind = i < 6 ? "create" : "drop",
                                              .target_id = 1,
                                              .status = i < 4 ? "implemented" : "no_improvement",
                                              .predicted_percent = 40,
                                              .actual_percent = i < 4 ? 35 : 0,
                                              .confidence = 0.83,
                                              .accuracy = 0.5,
                                              .factor = 0.9};
    ResultReport report = result_report_of(arena, outcomes, FETTLE_COUNT_OF(outcomes));
    Text text = text_new(arena);
    result_report_append_text(&text, &report);
    assert_has(text.data, "index create               n 6     succeeded  67 % (30 to 90)\n");
    assert_has(text.data, "index drop                 n 2     succeeded   0 % (0 to 66), not enough data");
    assert_has(text.data, "confidence is multiplied by 0.90");
    assert_has(text.data, "0.8-0.9  stated 0.83  held  50 % (22 to 78)     n 8     ##########\n");
    text = text_new(arena);
    result_report_append_json(&text, &report);
    assert_has(text.data, "\"is_enough\": false");
    assert_has(text.data, "\"calibration\": [");
    report = result_report_of(arena, NULL, 0);
    text = text_new(arena);
    result_report_append_text(&text, &report);
    assert_string_equal(text.data, "nothing was measured yet\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_waits_shows_its_moment_and_one_that_ended_its_end),
        cmocka_unit_test(a_scheduled_change_is_the_same_object_alone_and_in_a_list),
        cmocka_unit_test(the_report_says_where_there_is_not_enough_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
