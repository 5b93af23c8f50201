// SPDX-License-Identifier: PostgreSQL
/*
 * Who holds the private cluster. Two lock files beside it say so:
 *
 *   store-lock   exclusive by the process that runs the postmaster (cluster.c)
 *   store-users  shared by every process that joined in; exclusive, for a moment, by a verb that is about to
 *                stop the cluster it started, so that it waits for those who joined, and by who makes a
 * store, so that nobody joins before all of it is on the disk
 *
 * The server (STORE_ACCESS_HOLD) stops when it is told to and waits for nobody.
 */
#include "store/store_handle_internal.h"

#include "base/file.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define OPEN_MS 60000
#define HOLD_WAIT_MS 5000
#define RETRY_MS 50
/* That a verb gives the server beside it to make a new store. */
#define MAKING_WAIT_MS 10000
#define LEAVE_WAIT_MS 60000
#define STATEMENT_MS 600000
#define LOCK_MS 60000

static const char *
data_directory_of(Arena *arena, const Settings *settings, Error *error)
{
    const char *told = settings_get_text(settings, SETTING_DATA_DIRECTORY);
    char *directory = arena_strdup(arena, told);
    return told[0] == '\0' && !path_data_directory(arena, &directory, error) ? NULL : directory;
}

static ClusterOptions
cluster_options(const Store *store)
{
    return (ClusterOptions){
        .purpose = CLUSTER_STORE,
        .data_directory = store->data_directory,
        .binaries_directory = settings_get_text(store->settings, SETTING_CLUSTER_BINARIES),
        .sessions_most = store->sessions_most,
        .shared_buffers_bytes = settings_get_int(store->settings, SETTING_STORE_SHARED_BUFFERS)};
}

static void
use_socket(Store *store, const char *socket_directory, const char *words)
{
    store->dsn = arena_printf(
        store->arena,
        "host='%s' port=5432 sslmode=disable gssencmode=disable user=fettle_store dbname=postgres",
        socket_directory);
    store->description = arena_printf(store->arena, "private cluster in %s%s", store->data_directory, words);
}

bool
store_connect(Store *store, PgConnection **ret_connection, Error *error)
{
    PgConnectOptions options = {.purpose = PG_PURPOSE_OWN,
                                .statement_timeout_ms = STATEMENT_MS,
                                .lock_timeout_ms = LOCK_MS,
                                .application_name = "fettle store"};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    if (!pg_connection_open(store->dsn, &options, &connection, error) ||
        !pg_execute_script(connection,
                           "SET search_path = pg_catalog, fettle, pg_temp; SET client_min_messages = warning",
                           NULL, error))
        return error_prefix(error, "the store");
    *ret_connection = connection;
    connection = NULL;
    return true;
}

/* The store's roles, by the superuser. */
static bool
cluster_prepare_roles(Cluster *cluster, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *session = NULL;
    return cluster_connect(cluster, "postgres", NULL, &session, error) &&
           pg_execute_script(session, store_query_text("store_prepare"), NULL, error);
}

/* Takes the lock that says that nobody has joined in, nor can; false when somebody has. */
static bool
keep_others_out(void *context)
{
    Store *store = (Store *)context;
    const char *path = path_join(store->arena, store->data_directory, "store-users");
    if (store->alone_lock >= 0)
        return true;
    store->alone_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->alone_lock >= 0 && flock(store->alone_lock, LOCK_EX | LOCK_NB) != 0)
        descriptor_close_at(&store->alone_lock);
    return store->alone_lock >= 0;
}

/* is_checked: the schema will be made, if it is not there. */
static bool
open_own(Store *store, bool is_checked, Error *error)
{
    ClusterOptions options = cluster_options(store);
    options.keep_out = is_checked ? keep_others_out : NULL;
    options.keep_out_context = store;
    options.has_many_locks = !is_checked;
    if (!cluster_open(&options, &store->cluster, error))
        return false;
    use_socket(store, cluster_socket_directory(store->cluster), "");
    return cluster_prepare_roles(store->cluster, error);
}

/* What is not on the disk yet is thrown away when its maker dies: nobody may join in. */
static bool
is_on_disk(PgConnection *session)
{
    Error ignored = {0};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    return pg_query_simple(session, "SHOW fsync", &result, &ignored) && pg_result_rows(result) == 1 &&
           text_equals(pg_result_text(result, 0, 0), "on");
}

/* Joins a cluster that another process runs; false without a word when it cannot be reached now. */
static bool
open_joined(Store *store, const char *socket_directory)
{
    Error ignored = {0};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *trial = NULL;
    const char *path = path_join(store->arena, store->data_directory, "store-users");
    store->users_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    use_socket(store, socket_directory, " (run by another process)");
    if (store->users_lock >= 0 && flock(store->users_lock, LOCK_SH | LOCK_NB) == 0 &&
        store_connect(store, &trial, &ignored) && is_on_disk(trial))
        return true;
    descriptor_close_at(&store->users_lock);
    return false;
}

static bool
open_private(Store *store, const StoreOptions *given, Error *error)
{
    ClusterOptions options = cluster_options(store);
    const char *socket_directory = NULL;
    Deadline deadline = deadline_after_ms(given->access == STORE_ACCESS_HOLD ? HOLD_WAIT_MS : OPEN_MS);
    for (;;) {
        Error refused = {0};
        if (open_own(store, !given->without_migration_check, &refused))
            return true;
        /* only a lock that is taken leaves no cluster and says conflict */
        if (store->cluster != NULL || refused.code != ERROR_CONFLICT || deadline_passed(deadline)) {
            *error = refused;
            return false;
        }
        if (given->access == STORE_ACCESS_ANY) {
            if (socket_directory == NULL && !cluster_locate(store->arena, &options, &socket_directory, error))
                return false;
            if (open_joined(store, socket_directory))
                return true;
        }
        (void)poll(NULL, 0, RETRY_MS);
    }
}

/* With a session of its own: a backend that has made the schema keeps some MB of it. */
static bool
make_schema(Store *store, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *session = NULL;
    int applied = 0;
    return store_connect(store, &session, error) && migration_run(session, &applied, error);
}

/*
 * Starts a cluster anew in which the schema was made: that brings it to the disk, and it has touched four
 * times the shared memory that is needed afterwards, which a server keeps for as long as it runs. Only if
 * nobody has joined in, nor can meanwhile; where that was not so from the beginning, it is on the disk
 * already, and is worth it for who stays only.
 */
static bool
make_small(Store *store, Error *error)
{
    if (store->cluster == NULL || (store->alone_lock < 0 && store->access != STORE_ACCESS_HOLD))
        return true;
    return !keep_others_out(store) || cluster_restart(store->cluster, error);
}

/* The state of the schema. Another process may be making the store that was joined: that is waited for. */
static bool
schema_status(const Store *store, PgConnection *session, MigrationStatus *ret_status, Error *error)
{
    Deadline deadline = deadline_after_ms(MAKING_WAIT_MS);
    bool is_joined = store->is_private && store->cluster == NULL;
    for (;;) {
        if (!migration_status_read(session, ret_status, error) || !migration_status_check(ret_status, error))
            return false;
        if (!is_joined || ret_status->version == 0 || ret_status->missing == 0 || deadline_passed(deadline))
            return true;
        (void)poll(NULL, 0, RETRY_MS);
    }
}

static bool
read_schema_status(Store *store, MigrationStatus *ret_status, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (!store_session_take(store, 0, &session, error))
        return false;
    bool is_read = schema_status(store, session.connection, ret_status, error);
    if (is_read && ret_status->version == 0)
        store_session_retire(&session);
    return is_read;
}

/* An empty private store is made at once; another one must be this program's. */
static bool
check_schema(Store *store, Error *error)
{
    MigrationStatus status;
    if (!read_schema_status(store, &status, error))
        return false;
    if (status.version == 0 && store->is_private)
        return make_schema(store, error) && make_small(store, error);
    if (status.missing == 0)
        return true;
    error_set(error, ERROR_CONFLICT, "the store is of an older Fettle: %d of %d migrations are missing",
              status.missing, status.version_known);
    return error_set_hint(error, "run \"fettle store migrate\" (after \"fettle store backup\")");
}

bool
store_open(const StoreOptions *options, Store **ret_store, Error *error)
{
    store_sodium_begin();
    Arena *arena = arena_new("store", 16 * 1024 * 1024);
    Store *store = ARENA_NEW(arena, Store);
    *store = (Store){.arena = arena,
                     .settings = options->settings,
                     .access = options->access,
                     .users_lock = -1,
                     .alone_lock = -1,
                     .sessions_most = (int)settings_get_int(options->settings, SETTING_STORE_SESSIONS)};
    store_pool_begin(store);
    const char *url = settings_get_text(options->settings, SETTING_STORE_URL);
    store->is_private = url[0] == '\0';
    store->data_directory = data_directory_of(arena, options->settings, error);
    bool opened = store->data_directory != NULL;
    if (opened && store->is_private) {
        opened = open_private(store, options, error);
    } else if (opened) {
        /* settings may be read anew, and these given back */
        store->dsn = arena_strdup(arena, url);
        store->description = pg_dsn_describe(arena, url);
    }
    opened = opened && (options->without_migration_check || check_schema(store, error));
    descriptor_close_at(&store->alone_lock);
    if (!opened) {
        store_close(store);
        return false;
    }
    *ret_store = store;
    return true;
}

/* A verb that started the cluster waits for those who joined in since; whoever comes later starts it anew. */
static void
leave_wait(const Store *store)
{
    if (store->cluster == NULL || store->access == STORE_ACCESS_HOLD)
        return;
    const char *path = path_join(store->arena, store->data_directory, "store-users");
    FETTLE_CLEANUP(descriptor_close_at) int users = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    Deadline deadline = deadline_after_ms(LEAVE_WAIT_MS);
    while (users >= 0 && flock(users, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK &&
           !deadline_passed(deadline))
        (void)poll(NULL, 0, RETRY_MS);
    cluster_close(store->cluster);
}

void
store_close(Store *store)
{
    if (store == NULL)
        return;
    store_lease_release(store);
    store_pool_end(store);
    if (store->access == STORE_ACCESS_HOLD)
        cluster_close(store->cluster);
    else
        leave_wait(store);
    if (store->users_lock >= 0)
        close(store->users_lock);
    store_key_forget(store);
    arena_free(store->arena);
}

void
store_close_at(Store **store)
{
    store_close(*store);
    *store = NULL;
}

const char *
store_describe(const Store *store)
{
    return store->description;
}

bool
store_is_private(const Store *store)
{
    return store->is_private;
}

const Settings *
store_settings(const Store *store)
{
    return store->settings;
}

const char *
store_data_directory(const Store *store)
{
    return store->data_directory;
}

bool
store_recover(Store *store, Error *error)
{
    if (store->cluster == NULL)
        return true;
    pthread_mutex_lock(&store->recover_mutex);
    bool is_well = cluster_is_alive(store->cluster) || cluster_restart(store->cluster, error);
    pthread_mutex_unlock(&store->recover_mutex);
    return is_well;
}
