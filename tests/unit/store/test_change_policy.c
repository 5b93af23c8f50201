// SPDX-License-Identifier: PostgreSQL
/* A target's own rules: classes kept as they are given, windows read for a moment that the test says. */
#include "fixture.h"

#include "base/clock.h"
#include "base/text.h"

#include "pg/result.h"
#include "store/change_policy.h"
#include "store/target.h"

#include <string.h>

static int64_t
target_new(StoreFixture *fixture)
{
    int64_t id = 0;
    Error error = {0};
    TargetChange target = {.name = "shop", .dsn = "host=h", .enabled = -1, .interval_ms = -1};
    assert_done(target_create(fixture->store, fixture->connection, &target, &id, &error), &error);
    return id;
}

static int64_t
moment_us(StoreFixture *fixture, const char *moment)
{
    const char *text = store_fixture_value(
        fixture, arena_printf(fixture->arena,
                              "SELECT (extract(epoch FROM timestamptz '%s') * 1000000)::bigint", moment));
    int64_t at_us = 0;
    assert_true(text_parse_int64(text, &at_us));
    return at_us;
}

static ChangePolicy
policy_at(StoreFixture *fixture, int64_t target_id, int64_t now_us)
{
    ChangePolicy policy;
    Error error = {0};
    assert_done(change_policy_read(fixture->connection, fixture->arena, target_id, now_us, &policy, &error),
                &error);
    return policy;
}

static bool
windows_set(StoreFixture *fixture, int64_t target_id, const char *window, Error *error)
{
    ChangePolicy policy = {.windows = &window, .window_count = 1};
    return change_policy_write(fixture->connection, fixture->arena, target_id, &policy, "ann", error);
}

static void
a_target_without_rules_of_its_own_has_the_servers_and_no_window(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = target_new(fixture);
    ChangePolicy policy = policy_at(fixture, id, moment_us(fixture, "2026-02-20 12:00Z"));
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        assert_null(policy.classes[action]);
    assert_int_equal(policy.window_count, 0);
    assert_true(policy.changed_by == NULL && policy.opens_us == 0);
    assert_true(change_policy_is_open(&policy, 0));
}

static void
what_is_written_takes_the_place_of_all_that_was(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = target_new(fixture);
    const char *windows[] = {"Sat 02:00-05:00 Europe/Paris", "daily 01:00-02:00"};
    ChangePolicy wanted = {.classes = {"auto", NULL, "advise"}, .windows = windows, .window_count = 2};
    Error error = {0};
    assert_done(change_policy_write(fixture->connection, fixture->arena, id, &wanted, "ann", &error), &error);
    ChangePolicy policy = policy_at(fixture, id, 0);
    assert_string_equal(policy.classes[CHANGE_CREATE_INDEX], "auto");
    assert_null(policy.classes[CHANGE_DROP_INDEX]);
    assert_string_equal(policy.classes[CHANGE_REPLACE_INDEX], "advise");
    assert_int_equal(policy.window_count, 2);
    assert_string_equal(policy.windows[0], windows[0]);
    assert_string_equal(policy.changed_by, "ann");
    assert_string_equal(
        change_policy_details(fixture->arena, &policy),
        "{\"create_index\":\"auto\",\"drop_index\":null,\"replace_index\":\"advise\",\"windows\":"
        "[\"Sat 02:00-05:00 Europe/Paris\",\"daily 01:00-02:00\"]}");
    assert_done(
        change_policy_write(fixture->connection, fixture->arena, id, &(ChangePolicy){0}, "bob", &error),
        &error);
    policy = policy_at(fixture, id, 0);
    assert_null(policy.classes[CHANGE_CREATE_INDEX]);
    assert_int_equal(policy.window_count, 0);
    assert_string_equal(policy.changed_by, "bob");
}

static void
a_window_is_open_or_the_next_one_is_known_whatever_the_zone_and_the_season(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = target_new(fixture);
    static const struct {
        const char *window;
        const char *now;
        const char *opens;
        const char *closes;
        bool is_open;
    } cases[] = {
        /* 20 February 2026 is a Friday; Paris is an hour ahead in winter, two in summer */
        {"Sat 02:00-05:00 Europe/Paris", "2026-02-20 12:00Z", "2026-02-21 01:00Z", "2026-02-21 04:00Z",
         false},
        {"Sat 02:00-05:00 Europe/Paris", "2026-02-21 01:00Z", "2026-02-21 01:00Z", "2026-02-21 04:00Z", true},
        {"Sat 02:00-05:00 Europe/Paris", "2026-02-21 04:00Z", "2026-02-28 01:00Z", "2026-02-28 04:00Z",
         false},
        {"Sat 02:00-05:00 Europe/Paris", "2026-07-03 12:00Z", "2026-07-04 00:00Z", "2026-07-04 03:00Z",
         false},
        /* the hour that spring leaves out */
        {"Sun 02:30-05:00 Europe/Paris", "2026-03-28 12:00Z", "2026-03-29 01:30Z", "2026-03-29 03:00Z",
         false},
        {"Sun 02:30-03:15 Europe/Paris", "2026-03-28 12:00Z", "2026-03-29 01:30Z", "2026-03-29 02:15Z",
         false},
        {"Mon-Fri 22:00-04:00", "2026-02-21 03:59Z", "2026-02-20 22:00Z", "2026-02-21 04:00Z", true},
        {"Mon-Fri 22:00-04:00", "2026-02-21 04:00Z", "2026-02-23 22:00Z", "2026-02-24 04:00Z", false},
        {"fri-mon 10:00-11:00", "2026-02-23 10:30Z", "2026-02-23 10:00Z", "2026-02-23 11:00Z", true},
        {"fri-mon 10:00-11:00", "2026-02-23 11:30Z", "2026-02-27 10:00Z", "2026-02-27 11:00Z", false},
        {"Tue,Thu 00:00-24:00 America/New_York", "2026-02-20 12:00Z", "2026-02-24 05:00Z",
         "2026-02-25 05:00Z", false},
        {"daily 23:30-00:30", "2026-02-20 00:15Z", "2026-02-19 23:30Z", "2026-02-20 00:30Z", true},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        int64_t now_us = moment_us(fixture, cases[i].now);
        assert_done(windows_set(fixture, id, cases[i].window, &error), &error);
        ChangePolicy policy = policy_at(fixture, id, now_us);
        if (policy.opens_us != moment_us(fixture, cases[i].opens) ||
            policy.closes_us != moment_us(fixture, cases[i].closes) ||
            change_policy_is_open(&policy, now_us) != cases[i].is_open)
            fail_msg("%s at %s: from %s to %s", cases[i].window, cases[i].now,
                     clock_format_utc(fixture->arena, policy.opens_us),
                     clock_format_utc(fixture->arena, policy.closes_us));
    }
}

static void
what_is_no_window_no_zone_and_no_class_is_refused(void **state)
{
    StoreFixture *fixture = *state;
    int64_t id = target_new(fixture);
    static const char *const wrong[] = {"",
                                        "02:00-05:00",
                                        "Sat",
                                        "Sat 2:00-5:00",
                                        "Sat 02:00-24:30",
                                        "Sat 24:00-02:00",
                                        "Sat 02:00-02:00",
                                        "Someday 02:00-05:00",
                                        "Mon-Wed-Fri 02:00-05:00",
                                        "Mon-Fri, 02:00-05:00",
                                        "Sat 02:00-05:00 Europe/Atlantis",
                                        "Sat 02:00-05:00 CET",
                                        "Sat 02:00-05:00 '; DROP"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wrong); i++) {
        Error error = {0};
        if (windows_set(fixture, id, wrong[i], &error) || error.code != ERROR_INPUT)
            fail_msg("\"%s\": %s", wrong[i], error.message);
    }
    Error error = {0};
    ChangePolicy policy = {.classes = {"perhaps"}};
    assert_false(change_policy_write(fixture->connection, fixture->arena, id, &policy, "ann", &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_false(windows_set(fixture, 4711, "daily 01:00-02:00", &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    assert_false(change_policy_read(fixture->connection, fixture->arena, 4711, 0, &policy, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    const char *many[CHANGE_WINDOWS_MOST + 1];
    for (size_t i = 0; i < FETTLE_COUNT_OF(many); i++)
        many[i] = "daily 01:00-02:00";
    policy = (ChangePolicy){.windows = many, .window_count = FETTLE_COUNT_OF(many)};
    assert_false(change_policy_write(fixture->connection, fixture->arena, id, &policy, "ann", &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

static void
actions_have_the_words_that_settings_and_the_api_have(void **state)
{
    (void)state;
    assert_string_equal(change_action_word(CHANGE_CREATE_INDEX), "create_index");
    assert_string_equal(change_action_word(CHANGE_DROP_INDEX), "drop_index");
    assert_string_equal(change_action_word(CHANGE_REPLACE_INDEX), "replace_index");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_target_without_rules_of_its_own_has_the_servers_and_no_window,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_is_written_takes_the_place_of_all_that_was, store_fixture_clear),
        cmocka_unit_test_setup(a_window_is_open_or_the_next_one_is_known_whatever_the_zone_and_the_season,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_is_no_window_no_zone_and_no_class_is_refused, store_fixture_clear),
        cmocka_unit_test(actions_have_the_words_that_settings_and_the_api_have),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
