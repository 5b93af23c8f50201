// SPDX-License-Identifier: PostgreSQL
/* What fettle top draws: by hand as text and as JSON, and read from a real store. */
#include "../store/rounds.h"

#include "cli/store_session.h"
#include "cli/top_frame.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#define SECOND_US ((int64_t)1000000)

/* Two statements of a minute; the first has a hostile text, the second none yet. */
static TopFrame
frame_of(Arena *arena)
{
    TopFrame frame = {.question = {.target_id = 7, .window_ms = 600000, .rows = 10},
                      .now_us = 1771597800 * SECOND_US,
                      .target = {.target_id = 7, .name = "shop", .server_version = "15.20"},
                      .count = 2};
    frame.totals = ARENA_NEW_ARRAY(arena, SampleTotal, 2);
    frame.totals[0] = (SampleTotal){.query_hash = 1,
                                    .database_name = "d",
                                    .query_text = "SELECT\n\t 'a\x1b[2J\x7f\xc2\x9b' ,  \"表\"\r\n FROM t"};
    /* a minute was observed, of whatever window */
    frame.totals[0].observed_seconds = 60;
    frame.totals[0].counters[SAMPLE_CALLS] = 600;
    frame.totals[0].counters[SAMPLE_EXEC_US] = 90 * SECOND_US;
    frame.totals[0].counters[SAMPLE_ROWS] = 1200;
    frame.totals[0].counters[SAMPLE_SHARED_HIT] = 3;
    frame.totals[0].counters[SAMPLE_SHARED_READ] = 1;
    frame.totals[1] = (SampleTotal){.query_hash = 2, .database_name = NULL};
    frame.totals[1].counters[SAMPLE_EXEC_US] = 30 * SECOND_US;
    for (size_t i = 0; i < METRIC_COUNT; i++)
        frame.metrics[i] = NAN;
    frame.metrics[METRIC_CONNECTIONS] = 12;
    frame.metrics[METRIC_CACHE_HIT_RATIO] = 0.995;
    return frame;
}

/* The line with a number, from 0; NULL beyond the last. */
static const char *
line_of(Arena *arena, const char *text, int number)
{
    for (; number > 0; number--) {
        text = strchr(text, '\n');
        if (text == NULL)
            return NULL;
        text++;
    }
    return arena_strndup(arena, text, strcspn(text, "\n"));
}

static void
assert_fits(Arena *arena, const char *text, size_t columns)
{
    assert_true(text_ends_with(text, "\n"));
    assert_true(text_is_valid_utf8(text, strlen(text)));
    for (int i = 0; line_of(arena, text, i) != NULL; i++)
        if (text_width(line_of(arena, text, i)) > columns)
            fail_msg("more than %zu columns: %s", columns, line_of(arena, text, i));
    for (const char *at = text; *at != '\0'; at++)
        assert_true(*at == '\n' || ((unsigned char)*at >= ' ' && *at != 0x7F));
    assert_null(strstr(text, "\xc2\x9b"));
}

static void
a_frame_has_its_head_and_a_line_for_each_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    TopFrame frame = frame_of(arena);
    const char *text = top_frame_text(arena, &frame, 200, false);
    assert_string_equal(line_of(arena, text, 0),
                        arena_printf(arena,
                                     "shop   PostgreSQL 15.20   2026-02-20T14:30:00Z   by time over %s",
                                     text_format_duration_ms(arena, 600000)));
    assert_string_equal(line_of(arena, text, 1),
                        "sessions 12.0   active -   waiting for locks -   commits/s -"
                        "   cache hits % 99.5");
    const char *first = line_of(arena, text, 4);
    /* 90 s of 120 s, 1500 ms in a second, 10 calls a second of 150 ms, 2 rows a call, 3 of 4 blocks */
    static const char *const figures[] = {"75.0", "1500", "10.0", "150", "2.00", "75.0"};
    const char *at = first;
    for (size_t i = 0; i < FETTLE_COUNT_OF(figures); i++) {
        at = strstr(at, figures[i]);
        assert_non_null(at);
        at += strlen(figures[i]);
    }
    assert_true(text_ends_with(first, "SELECT 'a [2J  ' , \"表\" FROM t"));
    frame.target.last_notice = "rounds are thinned";
    assert_non_null(strstr(top_frame_text(arena, &frame, 200, false), "\nnote: rounds are thinned\n"));
    const char *second = line_of(arena, text, 5);
    /* nothing was observed of it: no figure, rather than an infinite one */
    assert_null(strstr(second, "inf"));
    assert_true(text_ends_with(second, "(text not known yet)"));
    assert_null(strstr(text, "keys:"));
    assert_non_null(strstr(top_frame_text(arena, &frame, 200, true), "\nkeys: t time"));
}

static void
no_line_is_wider_than_the_terminal_and_none_has_a_control_character(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    TopFrame frame = frame_of(arena);
    frame.target.last_error =
        "could not \x1b]0;x\x07 connect\xc2\x9b to a server with a long and hostile name";
    frame.target.server_version = "15\x1b[31m";
    for (size_t columns = 1; columns <= 200; columns++) {
        assert_fits(arena, top_frame_text(arena, &frame, columns, true), columns);
        assert_fits(arena, top_frame_text(arena, &frame, columns, false), columns);
    }
    setlocale(LC_CTYPE, "C");
}

static void
without_statements_it_says_whether_anything_was_collected(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    TopFrame frame = frame_of(arena);
    frame.count = 0;
    frame.target.server_version = NULL;
    assert_non_null(
        strstr(top_frame_text(arena, &frame, 200, false), "\nnothing was collected of this target"));
    assert_non_null(strstr(top_frame_text(arena, &frame, 200, false), "PostgreSQL ?"));
    frame.target.last_round_at_us = 1;
    assert_non_null(strstr(top_frame_text(arena, &frame, 200, false), "\nno statement ran in this window\n"));
}

static void
json_has_all_counters_and_texts_as_they_are(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    TopFrame frame = frame_of(arena);
    frame.question.order = 1;
    const char *text = top_frame_json(arena, &frame);
    assert_non_null(strstr(text, "\"order\": \"calls\""));
    assert_non_null(strstr(text, "\"window_seconds\": 600"));
    assert_non_null(strstr(text, "\"timestamp\": \"2026-02-20T14:30:00Z\""));
    assert_non_null(strstr(text, "\\u001b[2J"));
    assert_null(strchr(text, 0x1b));
    assert_non_null(strstr(text, "\"query_text\": null"));
    for (size_t i = 0; i < SAMPLE_COUNTER_COUNT; i++)
        assert_non_null(strstr(text, arena_printf(arena, "\"%s\": ", sample_counter_name((SampleCounter)i))));
    assert_non_null(strstr(text, "\"calls\": 600"));
}

static void
a_frame_is_read_from_the_store_in_its_order_and_window(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    TopFrame frame;
    int64_t target = rounds_target(fixture, "shop");
    Sample samples[] = {{.statement_id = 1}, {.statement_id = 2}};
    samples[0].counters[SAMPLE_CALLS] = 1;
    samples[0].counters[SAMPLE_EXEC_US] = 9000;
    samples[1].counters[SAMPLE_CALLS] = 5;
    samples[1].counters[SAMPLE_EXEC_US] = 100;
    SampleRound round = {.target_id = target,
                         .database_id = 1,
                         .collected_at_us = clock_wall_us() - 2 * SECOND_US,
                         .interval_ms = 1000,
                         .samples = samples,
                         .sample_count = 2};
    assert_done(sample_rounds_write(fixture->connection, &round, 1, &error), &error);
    MetricRound metrics = {
        .target_id = target, .collected_at_us = round.collected_at_us, .interval_ms = 1000};
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metrics.values[i] = i == METRIC_CONNECTIONS ? 3 : NAN;
    assert_done(metric_rounds_write(fixture->connection, &metrics, 1, &error), &error);
    TopQuestion question = {.target_id = target, .window_ms = 600000, .rows = 10};
    assert_done(top_frame_read(fixture->store, fixture->arena, &question, &frame, &error), &error);
    assert_int_equal(frame.count, 2);
    assert_string_equal(frame.totals[0].query_text, "SELECT 1");
    assert_string_equal(frame.target.name, "shop");
    assert_true(frame.metrics[METRIC_CONNECTIONS] == 3 && isnan(frame.metrics[METRIC_CPU]));
    question.order = 1;
    question.rows = 1;
    assert_done(top_frame_read(fixture->store, fixture->arena, &question, &frame, &error), &error);
    assert_int_equal(frame.count, 1);
    assert_string_equal(frame.totals[0].query_text, "SELECT 2");
    question.database = "blog";
    assert_done(top_frame_read(fixture->store, fixture->arena, &question, &frame, &error), &error);
    assert_int_equal(frame.count, 0);
    question.target_id = target + 1000;
    assert_false(top_frame_read(fixture->store, fixture->arena, &question, &frame, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static CliInput
input_of(StoreFixture *fixture)
{
    static const CliVerb verb = {.name = "target", .arguments = "list|show"};
    return (CliInput){
        .arena = fixture->arena, .settings = fixture->settings, .verb = &verb, .is_quiet = true};
}

static void
a_verb_finds_targets_and_users_by_name_before_number(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    Target target;
    User user;
    CliInput input = input_of(fixture);
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    int64_t first = rounds_target(fixture, "first");
    int64_t second = rounds_target(fixture, arena_printf(fixture->arena, "%lld", (long long)first));
    assert_done(cli_store_open(&input, false, &store, &error), &error);
    assert_true(text_starts_with(store.actor, "cli:"));
    assert_done(cli_target_find(&store, "first", &target, &error), &error);
    assert_int_equal(target.target_id, first);
    assert_done(
        cli_target_find(&store, arena_printf(fixture->arena, "%lld", (long long)first), &target, &error),
        &error);
    assert_int_equal(target.target_id, second);
    assert_done(
        cli_target_find(&store, arena_printf(fixture->arena, "%lld", (long long)second), &target, &error),
        &error);
    assert_int_equal(target.target_id, second);
    assert_false(cli_target_find(&store, "third", &target, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
    error = (Error){0};
    int64_t ann = 0;
    assert_done(user_create(fixture->connection, "ann", "correct horse", ROLE_ADMIN, &ann, &error), &error);
    assert_done(cli_user_find(&store, "ann", &user, &error), &error);
    assert_int_equal(user.id, ann);
    assert_done(cli_user_find(&store, arena_printf(fixture->arena, "%lld", (long long)ann), &user, &error),
                &error);
    assert_string_equal(user.username, "ann");
    assert_false(cli_user_find(&store, "bob", &user, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void
an_act_leaves_a_line_of_how_it_went_and_keeps_its_outcome(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    CliInput input = input_of(fixture);
    FETTLE_CLEANUP(cli_store_close_at) CliStore store = {0};
    CliAct act = {.action = "test.frame", .object = "target:shop"};
    assert_done(cli_store_open(&input, false, &store, &error), &error);
    assert_true(cli_store_audit(&store, &act, true, &error));
    error_set(&error, ERROR_CONFLICT, "taken");
    assert_false(cli_store_audit(&store, &act, false, &error));
    assert_string_equal(error.message, "taken");
    assert_string_equal(store_fixture_value(fixture, "SELECT string_agg(outcome, ' ' ORDER BY id) FROM "
                                                     "fettle.audit_log WHERE action = 'test.frame'"),
                        "ok conflict");
    error = (Error){0};
    act.details = "no JSON";
    assert_false(cli_store_audit(&store, &act, true, &error));
    assert_non_null(strstr(error.message, "test.frame was done, but"));
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_has_its_head_and_a_line_for_each_statement),
        cmocka_unit_test(no_line_is_wider_than_the_terminal_and_none_has_a_control_character),
        cmocka_unit_test(without_statements_it_says_whether_anything_was_collected),
        cmocka_unit_test(json_has_all_counters_and_texts_as_they_are),
        WITH_STORE(a_frame_is_read_from_the_store_in_its_order_and_window),
        WITH_STORE(a_verb_finds_targets_and_users_by_name_before_number),
        WITH_STORE(an_act_leaves_a_line_of_how_it_went_and_keeps_its_outcome),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
