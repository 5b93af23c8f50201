// SPDX-License-Identifier: PostgreSQL
/* Sessions of the pool, the lease, recovery; who may change the audit log. */
#include "fixture.h"

#include "base/text.h"
#include "pg/result.h"
#include "store/cluster.h"
#include "store/migrate.h"
#include "store/store_handle_internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
a_new_private_store_is_at_this_programs_version(void **state)
{
    StoreFixture *fixture = *state;
    MigrationStatus status;
    Error error = {0};
    assert_done(migration_status_read(fixture->connection, &status, &error), &error);
    assert_int_equal(status.version, status.version_known);
    assert_int_equal(status.missing, 0);
    assert_null(status.changed);
    assert_true(status.has_roles && status.size_bytes > 0);
    int applied = -1;
    assert_done(migration_run(fixture->connection, &applied, &error), &error);
    assert_int_equal(applied, 0);
}

static void
the_stores_role_is_no_superuser_and_the_cluster_is_durable(void **state)
{
    StoreFixture *fixture = *state;
    assert_string_equal(store_fixture_value(fixture, "SELECT current_setting('is_superuser')"), "off");
    assert_string_equal(store_fixture_value(fixture, "SHOW fsync"), "on");
    assert_string_equal(store_fixture_value(fixture, "SHOW synchronous_commit"), "on");
    assert_string_equal(store_fixture_value(fixture, "SHOW full_page_writes"), "on");
    assert_string_equal(store_fixture_value(fixture, "SHOW data_checksums"), "on");
    assert_string_equal(store_fixture_value(fixture, "SHOW autovacuum"), "on");
    assert_string_equal(store_fixture_value(fixture, "SHOW listen_addresses"), "");
}

static void
more_sessions_than_allowed_wait_and_then_time_out(void **state)
{
    StoreFixture *fixture = *state;
    StoreSession sessions[3] = {0};
    StoreSession late = {0};
    Error error = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(sessions); i++)
        assert_done(store_session_take(fixture->store, 0, &sessions[i], &error), &error);
    assert_false(store_session_take(fixture->store, deadline_after_ms(50), &late, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    store_session_close_at(&sessions[0]);
    error = (Error){0};
    assert_done(store_session_take(fixture->store, deadline_after_ms(50), &late, &error), &error);
    store_session_close_at(&late);
    for (size_t i = 1; i < FETTLE_COUNT_OF(sessions); i++)
        store_session_close_at(&sessions[i]);
}

static void
a_session_given_back_in_a_transaction_leaves_nothing(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        assert_done(store_session_take(fixture->store, 0, &session, &error), &error);
        assert_done(pg_execute_script(session.connection,
                                      "BEGIN; INSERT INTO fettle.jobs (kind) VALUES ('left')", NULL, &error),
                    &error);
    }
    FETTLE_CLEANUP(store_session_close_at) StoreSession again = {0};
    assert_done(store_session_take(fixture->store, 0, &again, &error), &error);
    assert_false(pg_connection_is_in_transaction(again.connection));
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.jobs"), "0");
}

static int64_t
process_of_a_session(Store *store, bool is_retired)
{
    Error error = {0};
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *process = NULL;
    assert_done(store_session_take(store, 0, &session, &error) &&
                    pg_query_simple(session.connection, "SELECT pg_backend_pid()", &process, &error),
                &error);
    if (is_retired)
        store_session_retire(&session);
    return pg_result_int(process, 0, 0, 0);
}

static void
a_retired_session_is_closed_and_another_is_kept(void **state)
{
    StoreFixture *fixture = *state;
    int64_t first = process_of_a_session(fixture->store, false);
    assert_int_equal(process_of_a_session(fixture->store, true), first);
    assert_int_not_equal(process_of_a_session(fixture->store, false), first);
}

static void
a_session_that_nobody_wanted_for_a_while_is_closed_without_another_being_given_back(void **state)
{
    StoreFixture *fixture = *state;
    Store *store = fixture->store;
    int64_t first = process_of_a_session(store, false);
    store_sessions_tidy(store);
    assert_int_equal(process_of_a_session(store, false), first);
    for (int i = 0; i < store->idle_count; i++)
        store->idle[i].since_ms -= 60000;
    store_sessions_tidy(store);
    assert_int_equal(store->idle_count, 0);
    assert_int_not_equal(process_of_a_session(store, false), first);
}

static void
sessions_that_the_server_ended_are_replaced_unseen(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    StoreSession sessions[2] = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(sessions); i++)
        assert_done(store_session_take(fixture->store, 0, &sessions[i], &error), &error);
    for (size_t i = 0; i < FETTLE_COUNT_OF(sessions); i++)
        store_session_close_at(&sessions[i]);
    (void)store_fixture_value(fixture, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                                       "WHERE pid <> pg_backend_pid() AND usename = current_user");
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    assert_done(store_session_take(fixture->store, 0, &session, &error), &error);
    assert_done(pg_execute(session.connection, "SELECT 1", &error), &error);
}

#define THREADS 8
#define ROUNDS 50

static void *
use_sessions(void *context)
{
    Store *store = context;
    for (int i = 0; i < ROUNDS; i++) {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        Error error = {0};
        if (!store_session_take(store, 0, &session, &error) ||
            !pg_execute(session.connection, "INSERT INTO fettle.jobs (kind) VALUES ('thread')", &error))
            return (void *)1;
    }
    return NULL;
}

static void
threads_share_the_pool_and_no_row_is_lost(void **state)
{
    StoreFixture *fixture = *state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_sessions, fixture->store), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.jobs"), "400");
}

static void
the_lease_is_of_one_holder_who_is_named(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_false(store_lease_is_held(fixture->store));
    assert_done(store_lease_take(fixture->store, "first@machine", &error), &error);
    assert_true(store_lease_is_held(fixture->store));
    Settings *settings = settings_new(fixture->arena);
    const char *url = arena_printf(
        fixture->arena, "host=%s/store-%s/socket user=fettle_store dbname=postgres", fixture->directory,
        store_fixture_value(fixture, "SELECT split_part(current_setting("
                                     "'server_version'), '.', 1)"));
    assert_done(settings_set(settings, "store.url", url, &error), &error);
    FETTLE_CLEANUP(store_close_at) Store *other = NULL;
    assert_done(store_open(&(StoreOptions){.settings = settings}, &other, &error), &error);
    assert_false(store_lease_take(other, "second@machine", &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "first@machine"));
    store_lease_release(fixture->store);
    assert_false(store_lease_is_held(fixture->store));
    error = (Error){0};
    assert_done(store_lease_take(other, "second@machine", &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT string_agg(holder, ',') FROM fettle.servers"),
                        "second@machine");
    /* a holder whose session ends loses it */
    (void)store_fixture_value(fixture, "SELECT pg_terminate_backend(backend_pid, 5000) FROM fettle.servers");
    assert_false(store_lease_is_held(other));
    assert_done(store_lease_take(fixture->store, "first@machine", &error), &error);
    assert_false(store_lease_is_held(other));
    store_lease_release(fixture->store);
}

/* As the schedule does, only without waiting for the second to be over. */
static int64_t
changes_now(Store *store)
{
    store->lease_believed_to = 0;
    assert_true(store_lease_is_held(store));
    return store_lease_changes(store);
}

static void
who_holds_the_lease_sees_whether_anything_was_written(void **state)
{
    StoreFixture *fixture = *state;
    Store *store = fixture->store;
    Error error = {0};
    assert_true(store_lease_changes(store) != store_lease_changes(store));
    assert_done(store_lease_take(store, "first@machine", &error), &error);
    /* the server's own vacuum writes as well, now and then */
    bool was_still = false;
    for (int tries = 0; tries < 100 && !was_still; tries++) {
        int64_t before = changes_now(store);
        (void)store_fixture_value(fixture, "SELECT count(*) FROM fettle.jobs");
        was_still = changes_now(store) == before;
    }
    assert_true(was_still);
    /* also by who began before another that is over by now */
    FETTLE_CLEANUP(store_session_close_at) StoreSession slow = {0};
    assert_done(store_session_take(store, 0, &slow, &error), &error);
    assert_done(pg_execute(slow.connection, "BEGIN", &error) &&
                    pg_execute(slow.connection, "INSERT INTO fettle.jobs (kind) VALUES ('slow')", &error),
                &error);
    int64_t begun = changes_now(store);
    assert_done(pg_execute(fixture->connection, "INSERT INTO fettle.jobs (kind) VALUES ('fast')", &error),
                &error);
    int64_t fast = changes_now(store);
    assert_int_not_equal(fast, begun);
    assert_done(pg_execute(slow.connection, "COMMIT", &error), &error);
    assert_int_not_equal(changes_now(store), fast);
    store_lease_release(store);
}

static void
a_store_that_was_killed_recovers_with_all_that_was_committed(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(pg_execute(fixture->connection, "INSERT INTO fettle.jobs (kind) VALUES ('kept')", &error),
                &error);
    const char *data =
        store_fixture_value(fixture, "SELECT split_part(current_setting('server_version'), '.', 1)");
    const char *path =
        arena_printf(fixture->arena, "%s/store-%s/data/postmaster.pid", fixture->directory, data);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[32] = "";
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_int_equal(kill((pid_t)strtol(line, NULL, 10), SIGKILL), 0);
    assert_false(pg_execute(fixture->connection, "SELECT pg_sleep(30)", &error));
    /* sessions may outlive their postmaster by a moment */
    bool is_back = false;
    for (int tries = 0; tries < 100 && !is_back; tries++) {
        store_session_close_at(&fixture->session);
        usleep(50000);
        error = (Error){0};
        is_back = store_recover(fixture->store, &error) &&
                  store_session_take(fixture->store, 0, &fixture->session, &error) &&
                  pg_execute(fixture->session.connection, "SELECT 1", &error);
    }
    assert_done(is_back, &error);
    assert_done(store_recover(fixture->store, &error), &error);
    fixture->connection = fixture->session.connection;
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.jobs WHERE kind = 'kept'"),
                        "1");
}

static void
a_store_says_where_it_is_and_never_its_password(void **state)
{
    StoreFixture *fixture = *state;
    assert_true(store_is_private(fixture->store));
    assert_non_null(strstr(store_describe(fixture->store), fixture->directory));
    Error error = {0};
    Store *store = NULL;
    Settings *settings = settings_new(fixture->arena);
    const char *url =
        arena_printf(fixture->arena, "host=%s dbname=%s user=%s password=hush", store_fixture_socket(fixture),
                     pg_connection_database(fixture->connection), pg_connection_user(fixture->connection));
    assert_done(settings_set(settings, "data.directory", fixture->directory, &error), &error);
    assert_done(settings_set(settings, "store.url", url, &error), &error);
    assert_done(store_open(&(StoreOptions){.settings = settings}, &store, &error), &error);
    assert_false(store_is_private(store));
    assert_null(strstr(store_describe(store), "hush"));
    assert_non_null(strstr(store_describe(store), pg_connection_database(fixture->connection)));
    store_close(store);
}

static void
a_cluster_that_is_open_is_reached_where_it_is_said_to_be(void **state)
{
    StoreFixture *fixture = *state;
    static const char begin[] = "SELECT pg_postmaster_start_time()";
    Error error = {0};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    const char *dsn = arena_printf(fixture->arena, "host=%s", store_fixture_socket(fixture));
    PgConnectOptions options = {.purpose = PG_PURPOSE_OWN,
                                .database = pg_connection_database(fixture->connection),
                                .user = pg_connection_user(fixture->connection)};
    assert_done(pg_connection_open(dsn, &options, &connection, &error), &error);
    assert_done(pg_query_simple(connection, begin, &result, &error), &error);
    assert_string_equal(pg_result_text(result, 0, 0), store_fixture_value(fixture, begin));
    ClusterOptions nowhere = {.purpose = CLUSTER_STORE, .data_directory = fixture->directory};
    nowhere.binaries_directory = "/nonexistent";
    const char *socket = NULL;
    assert_false(cluster_locate(fixture->arena, &nowhere, &socket, &error));
    assert_null(socket);
}

static void
a_store_of_a_newer_program_or_with_a_changed_migration_is_refused(void **state)
{
    (void)state;
    Error error = {0};
    MigrationStatus status = {.version = 3, .version_known = 3};
    assert_done(migration_status_check(&status, &error), &error);
    status = (MigrationStatus){.version = 2, .version_known = 3, .missing = 1};
    assert_done(migration_status_check(&status, &error), &error);
    status = (MigrationStatus){.version = 4, .version_known = 3};
    assert_false(migration_status_check(&status, &error));
    assert_int_equal(error.code, ERROR_UNSUPPORTED);
    error = (Error){0};
    status = (MigrationStatus){.version = 3, .version_known = 3, .changed = "0002_words"};
    assert_false(migration_status_check(&status, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_non_null(strstr(error.message, "0002_words"));
}

static void
a_schema_is_made_as_it_was_at_a_version(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    MigrationStatus status;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    assert_done(store_session_take(fixture->store, 0, &session, &error), &error);
    int64_t migrations = 0;
    assert_true(text_parse_int64(store_fixture_value(fixture, "SELECT count(*) FROM fettle.migrations"),
                                 &migrations));
    /* all of it is undone when the session is given back */
    assert_done(
        pg_execute_script(session.connection, "BEGIN; ALTER SCHEMA fettle RENAME TO set_aside", NULL, &error),
        &error);
    assert_done(migration_make(session.connection, 1, &error), &error);
    assert_done(migration_status_read(session.connection, &status, &error), &error);
    assert_int_equal(status.version, 1);
    assert_int_equal(status.missing, migrations - 1);
    assert_null(status.changed);
    /* there are no people's roles yet to grant to */
    assert_done(migration_grant(session.connection, &error), &error);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_private_store_is_at_this_programs_version),
        cmocka_unit_test(the_stores_role_is_no_superuser_and_the_cluster_is_durable),
        cmocka_unit_test(more_sessions_than_allowed_wait_and_then_time_out),
        cmocka_unit_test_setup(a_session_given_back_in_a_transaction_leaves_nothing, store_fixture_clear),
        cmocka_unit_test_setup(a_retired_session_is_closed_and_another_is_kept, store_fixture_clear),
        cmocka_unit_test_setup(
            a_session_that_nobody_wanted_for_a_while_is_closed_without_another_being_given_back,
            store_fixture_clear),
        cmocka_unit_test(sessions_that_the_server_ended_are_replaced_unseen),
        cmocka_unit_test_setup(threads_share_the_pool_and_no_row_is_lost, store_fixture_clear),
        cmocka_unit_test(the_lease_is_of_one_holder_who_is_named),
        cmocka_unit_test_setup(who_holds_the_lease_sees_whether_anything_was_written, store_fixture_clear),
        cmocka_unit_test_setup(a_store_that_was_killed_recovers_with_all_that_was_committed,
                               store_fixture_clear),
        cmocka_unit_test_setup(a_store_says_where_it_is_and_never_its_password, store_fixture_clear),
        cmocka_unit_test_setup(a_cluster_that_is_open_is_reached_where_it_is_said_to_be, store_fixture_clear),
        cmocka_unit_test(a_store_of_a_newer_program_or_with_a_changed_migration_is_refused),
        cmocka_unit_test_setup(a_schema_is_made_as_it_was_at_a_version, store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
