// SPDX-License-Identifier: PostgreSQL
/* Watching on a real server. */
#include "../pg/server.h"

#include "base/text.h"
#include "snapshot/read.h"
#include "snapshot/read_sent.h"

#include <string.h>

static PgConnection *
session_open(Arena *arena, const char *user, const char *name)
{
    PgConnection *connection = NULL;
    Error error = {0};
    if (!pg_connection_open(test_server_dsn(arena, user, "postgres", ""),
                            &(PgConnectOptions){.purpose = PG_PURPOSE_OWN, .application_name = name},
                            &connection, &error))
        fail_msg("%s", error.message);
    return connection;
}

static void
run(PgConnection *connection, const char *text)
{
    Error error = {0};
    if (!pg_execute_script(connection, text, NULL, &error))
        fail_msg("%s", error.message);
}

static size_t
executions_of(const SnapshotSentList *sent, const char *text)
{
    size_t executions = 0;
    for (size_t i = 0; i < sent->count; i++)
        executions += strcmp(sent->items[i].text, text) == 0 ? sent->items[i].executions : 0;
    return executions;
}

typedef struct Steps {
    PgConnection *session; /* that runs a statement before each look; may be NULL */
    int count;
} Steps;

static void
step_take(void *context, const char *step, int64_t done, int64_t total)
{
    Steps *steps = context;
    assert_string_equal(step, "watching what sessions send");
    assert_true(done <= total);
    if (steps->session != NULL)
        run(steps->session, "select 'again'");
    steps->count++;
}

static SnapshotSentList
watch_as(Arena *arena, PgConnection *connection, Steps *steps, int64_t watch_ms)
{
    const Snapshot *snapshot = NULL;
    SnapshotSentList sent = {0};
    Error error = {0}, refusal = {0};
    ReadSent watch = {.watch_ms = watch_ms, .progress = step_take, .context = steps};
    bool good =
        snapshot_read(arena, connection, &(SnapshotReadOptions){.without_workload = true}, &snapshot, &error);
    watch.snapshot = snapshot;
    if (!good || !snapshot_read_sent(arena, connection, &watch, &sent, &refusal, &error))
        fail_msg("%s", error.message);
    assert_int_equal(refusal.code, ERROR_NONE);
    return sent;
}

static void
last_statements_and_new_ones_are_seen_once_each(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *reader = session_open(arena, "postgres", "fettle");
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *ours = session_open(arena, "postgres", "fettle store");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *idle = session_open(arena, "postgres", "app");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *busy = session_open(arena, "postgres", "app");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *cut = session_open(arena, "postgres", "app");
    run(ours, "select 'ours'");
    run(idle, "select 'last'");
    Text text = text_new(arena);
    text_append(&text, "select 'long'");
    while (text.length < 1019)
        text_append(&text, " ");
    text_append(&text, "x");
    run(cut, text.data);
    Steps steps = {.session = busy};
    SnapshotSentList sent = watch_as(arena, reader, &steps, 350);
    assert_int_equal(executions_of(&sent, "select 'last'"), 1);
    assert_int_equal(executions_of(&sent, "select 'ours'"), 0);
    assert_true(steps.count >= 3);
    assert_int_equal(executions_of(&sent, "select 'again'"), (size_t)steps.count);
    for (size_t i = 0; i < sent.count; i++)
        assert_false(text_starts_with(sent.items[i].text, "select 'long'"));
}

static void
a_plain_role_sees_its_own_only(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *reader = session_open(arena, "plain", "fettle");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *own = session_open(arena, "plain", "app");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *other = session_open(arena, "postgres", "app");
    run(own, "select 'own'");
    run(other, "select 'other'");
    Steps steps = {0};
    SnapshotSentList sent = watch_as(arena, reader, &steps, 1);
    assert_int_equal(executions_of(&sent, "select 'own'"), 1);
    assert_int_equal(executions_of(&sent, "select 'other'"), 0);
}

static void
a_refused_look_ends_the_watching_and_a_broken_connection_fails(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *reader = session_open(arena, "plain", "fettle");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *admin = session_open(arena, "postgres", "app");
    SnapshotSentList sent = {0};
    Error error = {0}, refusal = {0};
    const Snapshot *snapshot = NULL;
    assert_true(
        snapshot_read(arena, reader, &(SnapshotReadOptions){.without_workload = true}, &snapshot, &error));
    ReadSent watch = {.snapshot = snapshot, .watch_ms = 60000};
    run(admin, "revoke select on pg_stat_activity from public");
    assert_true(snapshot_read_sent(arena, reader, &watch, &sent, &refusal, &error));
    run(admin, "grant select on pg_stat_activity to public");
    assert_int_equal(refusal.code, ERROR_PERMISSION);
    run(admin, arena_printf(arena, "select pg_terminate_backend(%d)", pg_connection_backend_pid(reader)));
    assert_false(snapshot_read_sent(arena, reader, &watch, &sent, &refusal, &error));
    assert_true(error.code != ERROR_NONE && error.message[0] != '\0');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_statements_and_new_ones_are_seen_once_each),
        cmocka_unit_test(a_plain_role_sees_its_own_only),
        cmocka_unit_test(a_refused_look_ends_the_watching_and_a_broken_connection_fails)};
    return cmocka_run_group_tests_name("snapshot read sent", tests, test_server_start, test_server_stop);
}
