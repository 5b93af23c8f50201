// SPDX-License-Identifier: PostgreSQL
/* Who works on a change, and that waiting ones have somebody. */
#include "place.h"

#include "pg/result.h"
#include "store/target.h"
#include "workflow/index_run.h"
#include "workflow/index_worker.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A session whose open transaction holds up each build on a table it has written to. */
static PgConnection *
writer_open(const Place *place, const char *script)
{
    PgConnection *writer = NULL;
    Error error = {0};
    assert_done(
        index_session_change(&place->manager, place->arena, place->target_id, NULL, 1000000, &writer, &error),
        &error);
    assert_done(pg_execute_script(writer, script, NULL, &error), &error);
    return writer;
}

static bool
builds_wait(const Place *place, const char *count)
{
    static const char waiting[] = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                                  "application_name LIKE 'fettle index change %'";
    Deadline until = deadline_after_ms(30000);
    while (!deadline_passed(until) && strcmp(store_fixture_value(place->fixture, waiting), count) != 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    return !deadline_passed(until);
}

/* More builds than the service has threads, on a store with four sessions of which this test has one. */
#define BUILDS 5

typedef struct Builds {
    SettingsHolder *holder;
    IndexWorker *worker;
    PgConnection *writer; /* behind which four wait */
    int64_t ids[BUILDS];
} Builds;

static Builds
builds_begin(Place *place)
{
    Builds builds = {0};
    Error error = {0};
    Arena *arena = arena_new("settings", (size_t)1 << 22);
    builds.holder = settings_holder_new(arena, settings_new(arena));
    assert_done(pg_execute_script(place->fixture->connection,
                                  "CREATE TABLE own.t0 (a int); CREATE TABLE own.t1 (a int); CREATE TABLE "
                                  "own.t2 (a int); CREATE TABLE own.t3 (a int); CREATE TABLE own.t4 (a int)",
                                  NULL, &error),
                &error);
    builds.writer =
        writer_open(place, "BEGIN; INSERT INTO own.t0 VALUES (1); INSERT INTO own.t1 VALUES (1); INSERT INTO "
                           "own.t2 VALUES (1); INSERT INTO own.t3 VALUES (1)");
    assert_done(index_worker_new(place->fixture->store, builds.holder, &builds.worker, &error), &error);
    for (int i = 0; i < BUILDS; i++) {
        IndexOrder order = order_of(place, arena_printf(place->arena, "t%d_a", i));
        order.table = arena_printf(place->arena, "t%d", i);
        builds.ids[i] = recorded(place, &order);
        assert_true(index_worker_submit(builds.worker, builds.ids[i]));
    }
    assert_true(builds_wait(place, "4"));
    /* the fifth waits its turn for longer than a change is fresh */
    assert_done(pg_execute(place->fixture->connection,
                           "UPDATE fettle.index_changes SET performed_at = now() - interval '1 hour'",
                           &error),
                &error);
    return builds;
}

static void
builds_that_wait_hold_up_neither_the_store_nor_are_they_taken_for_left_behind(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int settled = -1;
    Builds builds = builds_begin(&place);
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession one = {0};
        FETTLE_CLEANUP(store_session_close_at) StoreSession another = {0};
        assert_done(store_session_take(place.fixture->store, 0, &one, &error), &error);
        assert_done(store_session_take(place.fixture->store, 0, &another, &error), &error);
    }
    assert_done(index_settle_all(&place.manager, &settled, &error), &error);
    assert_int_equal(settled, 0);
    assert_string_equal(change_of(&place, builds.ids[BUILDS - 1]).state, "pending");
    assert_done(pg_execute(builds.writer, "ROLLBACK", &error), &error);
    for (int i = 0; i < BUILDS; i++) {
        assert_true(index_worker_wait(builds.worker, builds.ids[i], deadline_after_ms(60000)));
        assert_string_equal(change_of(&place, builds.ids[i]).state, "completed");
    }
    assert_true(index_worker_stop(builds.worker, deadline_after_ms(30000)));
    pg_connection_close(builds.writer);
    settings_holder_free(builds.holder);
}

static void
what_waits_for_a_thread_when_the_service_ends_is_stopped_by_it_too(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    int settled = -1;
    Builds builds = builds_begin(&place);
    assert_true(index_worker_stop(builds.worker, deadline_after_ms(60000)));
    assert_string_equal(
        store_fixture_value(place.fixture,
                            "SELECT count(*) FROM fettle.index_changes WHERE held_by = 'stop'"),
        "5");
    assert_done(pg_execute(builds.writer, "ROLLBACK", &error), &error);
    assert_done(index_settle_all(&place.manager, &settled, &error), &error);
    for (int i = 0; i < BUILDS; i++)
        assert_string_equal(change_of(&place, builds.ids[i]).state, "cancelled");
    pg_connection_close(builds.writer);
    settings_holder_free(builds.holder);
}

static void
locks_are_one_process_own_and_outlive_the_session_they_are_held_on(void **state)
{
    Place place = place_of(state);
    Error error = {0};
    bool is_locked = true;
    FETTLE_CLEANUP(index_locks_free_at) IndexLocks *locks = index_locks_new(place.fixture->store);
    assert_done(index_locks_take(locks, 7, &error), &error);
    assert_done(index_locks_take(locks, 7, &error), &error);
    index_locks_give(locks, 7);
    static const char kill[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = "
                               "'advisory' AND pid <> pg_backend_pid()";
    assert_string_equal(store_fixture_value(place.fixture, kill), "1");
    Deadline until = deadline_after_ms(10000);
    while (strcmp(store_fixture_value(place.fixture,
                                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
                  "0") != 0 &&
           !deadline_passed(until))
        continue;
    index_locks_keep(locks);
    assert_done(index_change_lock(place.fixture->connection, 7, &is_locked, &error), &error);
    assert_false(is_locked);
    index_locks_give(locks, 7);
    assert_done(index_change_lock(place.fixture->connection, 7, &is_locked, &error), &error);
    assert_true(is_locked);
    assert_false(index_locks_take(locks, 7, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    error_clear(&error);
    index_locks_free(NULL);
    assert_done(index_change_unlock(place.fixture->connection, 7, &error), &error);
}

static void
the_worker_carries_changes_out_and_waits_for_them(void **state)
{
    Place place = place_of(state);
    IndexWorker *worker = NULL;
    Error error = {0};
    Arena *arena = arena_new("settings", (size_t)1 << 22);
    SettingsHolder *holder = settings_holder_new(arena, settings_new(arena));
    IndexOrder order = order_of(&place, "t_by_worker");
    int64_t id = recorded(&place, &order);
    assert_done(index_worker_new(place.fixture->store, holder, &worker, &error), &error);
    assert_true(index_worker_submit(worker, id));
    assert_true(index_worker_wait(worker, id, deadline_after_ms(30000)));
    assert_string_equal(change_of(&place, id).state, "completed");
    assert_true(index_worker_stop(worker, deadline_after_ms(30000)));
    assert_true(index_worker_stop(NULL, 0));
    settings_holder_free(holder);
}

/* A server that takes sessions and never answers; its port. */
static int
silent_server_open(int *ret_socket)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    *ret_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(*ret_socket >= 0);
    assert_int_equal(bind(*ret_socket, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(*ret_socket, 16), 0);
    assert_int_equal(getsockname(*ret_socket, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

/* Of four targets whose rounds do not end, the look after the first one begins no more. */
static void
rounds_leave_threads_to_what_was_approved(void **state)
{
    Place place = place_of(state);
    IndexWorker *worker = NULL;
    Error error = {0};
    int server;
    static const char rounds[] = "SELECT count(*) FROM fettle.jobs WHERE kind = 'index_auto'";
    Arena *arena = arena_new("settings", (size_t)1 << 22);
    Settings *settings = settings_new(arena);
    assert_done(settings_set(settings, "index.auto_drop", "on", &error), &error);
    assert_done(settings_set(settings, "index.auto_class", "medium", &error), &error);
    assert_done(settings_set(settings, "target.connect_timeout", "60s", &error), &error);
    SettingsHolder *holder = settings_holder_new(arena, settings);
    const char *dsn = arena_printf(place.arena, "host=127.0.0.1 port=%d dbname=x user=x sslmode=disable",
                                   silent_server_open(&server));
    for (int i = 0; i < 4; i++) {
        TargetChange change = {
            .name = arena_printf(place.arena, "silent %d", i), .dsn = dsn, .enabled = 1, .interval_ms = -1};
        int64_t id;
        assert_done(target_create(place.fixture->store, place.fixture->connection, &change, &id, &error),
                    &error);
    }
    assert_done(pg_execute(place.fixture->connection,
                           "UPDATE fettle.targets SET enabled = false WHERE name = 'self'", &error),
                &error);
    assert_done(index_worker_new(place.fixture->store, holder, &worker, &error), &error);
    Deadline until = deadline_after_ms(12000); /* a look each ten seconds */
    while (!deadline_passed(until) && strtoll(store_fixture_value(place.fixture, rounds), NULL, 10) <= 2)
        (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_string_equal(store_fixture_value(place.fixture, rounds), "2");
    close(server);
    assert_true(index_worker_stop(worker, deadline_after_ms(30000)));
    settings_holder_free(holder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(builds_that_wait_hold_up_neither_the_store_nor_are_they_taken_for_left_behind,
                               store_fixture_clear),
        cmocka_unit_test_setup(what_waits_for_a_thread_when_the_service_ends_is_stopped_by_it_too,
                               store_fixture_clear),
        cmocka_unit_test_setup(locks_are_one_process_own_and_outlive_the_session_they_are_held_on,
                               store_fixture_clear),
        cmocka_unit_test_setup(the_worker_carries_changes_out_and_waits_for_them, store_fixture_clear),
        cmocka_unit_test_setup(rounds_leave_threads_to_what_was_approved, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
