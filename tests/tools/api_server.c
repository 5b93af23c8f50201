// SPDX-License-Identifier: PostgreSQL
/*
 * The API over a store, and nothing else, for tests of the API: not installed.
 *
 *   api_server routes                     the table of routes
 *   api_server migrate                    makes or upgrades the store's schema
 *   api_server token NAME ROLE SECONDS    a token of no user; SECONDS 0: for ever
 *   api_server user NAME PASSWORD ROLE
 *   api_server target NAME DSN
 *   api_server fill TARGET STATEMENTS ROUNDS   samples of a target: a round a minute until now, packed
 *   api_server run                        serves until SIGTERM; says "port N" when it does
 *
 * Settings come from the environment (FETTLE_STORE_URL, FETTLE_SERVER_LISTEN, ...).
 */
#include "api/api.h"
#include "base/log.h"
#include "base/text.h"
#include "store/migrate.h"
#include "store/sample.h"
#include "store/setting_row.h"
#include "store/statement.h"
#include "store/target.h"
#include "store/token.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TestServer {
    Store *store;
    SettingsHolder *settings;
    atomic_int targets_changed;
} TestServer;

static bool
settings_load(Arena *arena, Settings **ret_settings, Error *error)
{
    *ret_settings = settings_new(arena);
    return settings_read_environment(*ret_settings, error);
}

static void
on_settings_changed(void *context)
{
    TestServer *server = context;
    Error error = {0};
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Arena *arena = arena_new("settings", (size_t)1 << 22);
    Settings *settings;
    int skipped;
    if (settings_load(arena, &settings, &error) && store_session_take(server->store, 0, &session, &error) &&
        setting_rows_apply(session.connection, settings, &skipped, &error)) {
        settings_replace(server->settings, arena, settings);
        return;
    }
    log_write(LOG_LEVEL_ERROR, "could not reload the settings: %s", error.message);
    arena_free(arena);
}

static void
on_targets_changed(void *context)
{
    TestServer *server = context;
    atomic_fetch_add(&server->targets_changed, 1);
}

static bool
run(TestServer *server, Error *error)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    MetricsRegistry *registry = metrics_registry_new();
    metrics_process_add(registry);
    ApiContext context = {.store = server->store,
                          .server = server,
                          .settings = server->settings,
                          .targets_changed = on_targets_changed,
                          .settings_changed = on_settings_changed,
                          .metrics = registry};
    Api *api = NULL;
    bool is_open = api_open(&context, &api, error);
    if (is_open) {
        printf("port %d\n", api_port(api));
        fflush(stdout);
        int signal_number;
        sigwait(&stop, &signal_number);
        api_stop(api, deadline_after_ms(5000));
    }
    metrics_registry_free(registry);
    return is_open;
}

static bool
make_token(PgConnection *session, char **words, Error *error)
{
    char text[TOKEN_TEXT_BYTES];
    int64_t id;
    int64_t expires_at_us;
    double seconds = strtod(words[2], NULL);
    TokenOrder order = {
        .name = words[0], .role = role_from_word(words[1]), .lifetime_ms = (int64_t)(seconds * 1000)};
    if (!token_create(session, &order, text, &id, &expires_at_us, error))
        return false;
    printf("%s\n", text);
    return true;
}

static bool
fill_names(PgConnection *session, Arena *arena, int64_t target_id, int64_t statements, Error *error)
{
    DatabaseRow database = {.database_id = 1, .database_oid = 5, .database_name = "filled"};
    StatementRow *rows = ARENA_NEW_ARRAY(arena, StatementRow, (size_t)statements);
    for (int64_t i = 0; i < statements; i++)
        rows[i] =
            (StatementRow){.statement_id = (int32_t)i + 1,
                           .database_id = 1,
                           .user_name = "app",
                           .user_oid = 10,
                           .queryid = 1000 + i,
                           .query_hash = 1000 + i,
                           .is_toplevel = true,
                           .fingerprint_hash = 7000 + i,
                           .query_text = arena_printf(arena, "SELECT * FROM t%d WHERE id = $1", (int)i)};
    return database_rows_write(session, target_id, &database, 1, error) &&
           statement_rows_write(session, target_id, rows, (size_t)statements, error);
}

/* Statement i is called i times in each round, for i milliseconds in all, and so on: figures that a test can
 * name. */
static bool
fill_round(PgConnection *session, Sample *samples, int64_t statements, const SampleRound *like, Error *error)
{
    for (int64_t i = 0; i < statements; i++) {
        samples[i] = (Sample){.statement_id = (int32_t)i + 1};
        samples[i].counters[SAMPLE_CALLS] = i + 1;
        samples[i].counters[SAMPLE_ROWS] = 2 * (i + 1);
        samples[i].counters[SAMPLE_EXEC_US] = 1000 * (i + 1);
        samples[i].counters[SAMPLE_SHARED_HIT] = 9 * (i + 1);
        samples[i].counters[SAMPLE_SHARED_READ] = i + 1;
    }
    SampleRound round = *like;
    round.samples = samples;
    round.sample_count = (size_t)statements;
    return sample_rounds_write(session, &round, 1, error);
}

static bool
fill(PgConnection *session, char **words, Error *error)
{
    int64_t target_id;
    int64_t statements;
    int64_t rounds;
    if (!text_parse_int64(words[0], &target_id) || !text_parse_int64(words[1], &statements) ||
        !text_parse_int64(words[2], &rounds) || statements < 1 || statements > 10000)
        return error_set(error, ERROR_USAGE, "fill takes three numbers");
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fill", (size_t)256 << 20);
    int64_t minute_us = 60000000;
    int64_t now_us = clock_wall_us() / minute_us * minute_us;
    Sample *samples = ARENA_NEW_ARRAY(arena, Sample, (size_t)statements);
    bool good = fill_names(session, arena, target_id, statements, error);
    for (int64_t i = 1; i <= rounds && good; i++) {
        SampleRound round = {.target_id = target_id,
                             .database_id = 1,
                             .collected_at_us = now_us - (rounds - i) * minute_us,
                             .interval_ms = 60000};
        good = fill_round(session, samples, statements, &round, error);
    }
    SampleUpkeep upkeep = {0};
    return good && sample_compact(session, target_id, now_us, &upkeep, error);
}

static bool
obey(TestServer *server, const char *word, char **words, int count, Error *error)
{
    if (strcmp(word, "run") == 0)
        return run(server, error);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (!store_session_take(server->store, 0, &session, error))
        return false;
    int applied;
    int64_t id;
    if (strcmp(word, "migrate") == 0)
        return migration_run(session.connection, &applied, error);
    if (strcmp(word, "token") == 0 && count == 3)
        return make_token(session.connection, words, error);
    if (strcmp(word, "user") == 0 && count == 3)
        return user_create(session.connection, words[0], words[1], role_from_word(words[2]), &id, error);
    if (strcmp(word, "target") == 0 && count == 2) {
        TargetChange change = {.name = words[0], .dsn = words[1], .enabled = 1};
        return target_create(server->store, session.connection, &change, &id, error);
    }
    if (strcmp(word, "fill") == 0 && count == 3)
        return fill(session.connection, words, error);
    return error_set(error, ERROR_USAGE, "unknown word \"%s\"", word);
}

int
main(int count, char **words)
{
    const char *word = count > 1 ? words[1] : "";
    signal(SIGPIPE, SIG_IGN);
    TestServer server = {0};
    Arena *arena = arena_new("test server", (size_t)64 << 20);
    Error error = {0};
    Settings *settings;
    bool good = settings_load(arena, &settings, &error);
    if (good && strcmp(word, "routes") == 0) {
        printf("%s", api_routes_describe(arena));
    } else if (good) {
        server.settings = settings_holder_new(arena, settings);
        arena = NULL;
        if (strcmp(settings_get_text(settings, SETTING_LOG_LEVEL), "debug") == 0)
            log_set_level(LOG_LEVEL_DEBUG);
        StoreOptions options = {.settings = settings, .without_migration_check = true};
        good =
            store_open(&options, &server.store, &error) && obey(&server, word, words + 2, count - 2, &error);
        store_close(server.store);
    }
    settings_holder_free(server.settings);
    arena_free(arena);
    if (!good)
        fprintf(stderr, "error: %s\nhint: %s\n", error.message, error.hint);
    return good ? 0 : 1;
}
