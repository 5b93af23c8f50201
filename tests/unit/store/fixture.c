// SPDX-License-Identifier: PostgreSQL
#include "fixture.h"

#include "base/file.h"
#include "pg/result.h"
#include "store/cluster.h"

#include <stdlib.h>
#include <sys/stat.h>

void
assert_done(bool done, const Error *error)
{
    if (!done)
        fail_msg("%s: %s (%s)", error_code_word(error->code), error->message, error->hint);
}

int
store_fixture_open(void **state)
{
    Arena *arena = arena_new("fixture", (size_t)256 << 20);
    StoreFixture *fixture = ARENA_NEW(arena, StoreFixture);
    char directory[] = "/tmp/fettle-unit-XXXXXX";
    Error error = {0};
    if (mkdtemp(directory) == NULL || chmod(directory, 0711) != 0)
        return 1;
    *fixture = (StoreFixture){
        .arena = arena, .settings = settings_new(arena), .directory = arena_strdup(arena, directory)};
    assert_done(settings_set(fixture->settings, "data.directory", fixture->directory, &error), &error);
    assert_done(settings_set(fixture->settings, "store.sessions", "4", &error), &error);
    StoreOptions options = {.settings = fixture->settings, .access = STORE_ACCESS_HOLD};
    assert_done(store_open(&options, &fixture->store, &error), &error);
    assert_done(store_session_take(fixture->store, 0, &fixture->session, &error), &error);
    fixture->connection = fixture->session.connection;
    *state = fixture;
    return 0;
}

int
store_fixture_close(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    store_session_close_at(&fixture->session);
    store_close(fixture->store);
    bool removed = directory_remove(fixture->directory, &error);
    arena_free(fixture->arena);
    return removed ? 0 : 1;
}

int
store_fixture_clear(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(
        pg_execute_script(fixture->connection,
                          "DELETE FROM fettle.tokens; DELETE FROM fettle.users; DELETE FROM fettle.jobs; "
                          "DELETE FROM fettle.settings; "
                          "SELECT fettle.target_remove(target_id) FROM fettle.targets",
                          NULL, &error),
        &error);
    return 0;
}

const char *
store_fixture_value(StoreFixture *fixture, const char *sql)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    assert_done(pg_query_simple(fixture->connection, sql, &result, &error), &error);
    assert_int_equal(pg_result_rows(result), 1);
    return arena_strdup(fixture->arena, pg_result_text(result, 0, 0));
}

const char *
store_fixture_socket(StoreFixture *fixture)
{
    Error error = {0};
    const char *socket = NULL;
    ClusterOptions options = {.purpose = CLUSTER_STORE, .data_directory = fixture->directory};
    assert_done(cluster_locate(fixture->arena, &options, &socket, &error), &error);
    return socket;
}
