// SPDX-License-Identifier: PostgreSQL
#include "server/server.h"

#include "api/api.h"
#include "base/log.h"
#include "base/settings_holder.h"
#include "jobs/schedule.h"
#include "server/figures.h"
#include "store/job.h"
#include "store/setting_row.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define SETTINGS_ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define HOLDER_BYTES 128
/* Heaps of malloc, and from where on an allocation is a mapping of its own: see memory_settle(). */
#define HEAPS 4
#define MAPPED_BYTES (64 * 1024)
#define HEAP_KEPT_BYTES (1024 * 1024)

typedef struct Server {
    const ServerOptions *options;
    int signals; /* descriptor; -1 none */
    SettingsHolder *settings;
    const SettingsSnapshot *begun_with; /* what the store was opened with and goes on using */
    Store *store;
    Schedule *schedule;
    MetricsRegistry *registry;
    ServerFigures figures;
    pthread_mutex_t api_mutex;
    Api *api; /* NULL before it is open and once it stops; by the schedule's threads under the mutex */
    atomic_bool wants_reload; /* set by the API's threads */
    int64_t watchdog_ms;      /* between two signs of life; 0: nobody asks for them */
    int64_t watchdog_due_ms;
} Server;

/*
 * A thread for each worker would get a heap of its own, and what a round needs for a moment would lie between
 * what a target is remembered by, so that hardly any of it goes back. Larger pieces are mapped, and the
 * threshold stays: by itself it grows with the first large piece that is freed.
 */
static void
memory_settle(void)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_BYTES);
}

static bool
signals_open(Server *server, Error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->signals >= 0 || error_set_errno(error, errno, "could not wait for signals");
}

/* File and environment, then what was changed through the API (once there is a store), then the command line.
 */
static bool
settings_make(Server *server, Arena *arena, Settings **ret_settings, Error *error)
{
    const ServerOptions *options = server->options;
    Settings *settings = NULL;
    if (!options->load(options->context, arena, &settings, error))
        return false;
    if (server->store != NULL) {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        int skipped = 0;
        if (!store_session_take(server->store, 0, &session, error) ||
            !setting_rows_apply(session.connection, settings, &skipped, error))
            return false;
        if (skipped > 0)
            log_write(LOG_LEVEL_WARNING, "%d settings of the store are not known to this version", skipped);
    }
    *ret_settings = settings;
    return options->override(options->context, settings, error);
}

static void
log_level_take(const Settings *settings)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (strcmp(settings_get_text(settings, SETTING_LOG_LEVEL), words[i]) == 0)
            log_set_level((LogLevel)i);
}

/* Puts settings in place; those in place stay when the new ones cannot be read. */
static bool
settings_load(Server *server, Error *error)
{
    Arena *arena = arena_new("server settings", SETTINGS_ARENA_BYTES);
    Settings *settings = NULL;
    if (!settings_make(server, arena, &settings, error)) {
        arena_free(arena);
        return false;
    }
    log_level_take(settings);
    if (server->settings == NULL)
        server->settings = settings_holder_new(arena, settings);
    else
        settings_replace(server->settings, arena, settings);
    return true;
}

static bool
store_start(Server *server, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    server->begun_with = settings_take(server->settings);
    StoreOptions options = {.settings = settings_of(server->begun_with), .access = STORE_ACCESS_HOLD};
    return store_open(&options, &server->store, error) &&
           store_session_take(server->store, 0, &session, error) && job_clean_up(session.connection, error);
}

static void
on_targets_changed(void *context)
{
    schedule_targets_changed(((Server *)context)->schedule);
}

static void
on_settings_changed(void *context)
{
    atomic_store(&((Server *)context)->wants_reload, true);
}

static bool
on_change_recorded(void *context, int64_t change_id)
{
    Server *server = context;
    pthread_mutex_lock(&server->api_mutex);
    bool is_taken = server->api != NULL && api_carry_out(server->api, change_id);
    pthread_mutex_unlock(&server->api_mutex);
    if (!is_taken)
        log_write(LOG_LEVEL_WARNING, "no thread takes index change %" PRId64 " now", change_id);
    return is_taken;
}

/* "host:pid", for whoever finds the store taken. */
static void
holder_name(char name[HOLDER_BYTES])
{
    char host[HOLDER_BYTES - 16] = "";
    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "unknown");
    snprintf(name, HOLDER_BYTES, "%s:%lld", host, (long long)getpid());
}

static bool
services_start(Server *server, const char *holder, Error *error)
{
    ScheduleOptions schedule = {.store = server->store,
                                .settings = server->settings,
                                .holder = holder,
                                .carry_out = on_change_recorded,
                                .context = server};
    if (!store_lease_take(server->store, holder, error) || !settings_load(server, error) ||
        !schedule_new(&schedule, &server->schedule, error))
        return false;
    server->registry = metrics_registry_new();
    metrics_process_add(server->registry);
    server_figures_add(&server->figures, server->schedule, server->registry);
    ApiContext context = {.store = server->store,
                          .server = server,
                          .settings = server->settings,
                          .targets_changed = on_targets_changed,
                          .settings_changed = on_settings_changed,
                          .metrics = server->registry};
    return api_open(&context, &server->api, error);
}

static void
watchdog_take(Server *server)
{
    uint64_t limit_us = 0;
    if (sd_watchdog_enabled(0, &limit_us) > 0)
        server->watchdog_ms = (int64_t)(limit_us / 1000 / 3);
}

static void
ready_tell(const Server *server)
{
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(server->settings);
    log_write(LOG_LEVEL_INFO, "serving on port %d; the store is the %s", api_port(server->api),
              store_describe(server->store));
    sd_notifyf(0, "READY=1\nSTATUS=serving on %s\nMAINPID=%lld",
               settings_get_text(settings_of(held), SETTING_SERVER_LISTEN), (long long)getpid());
}

static void
reload(Server *server)
{
    Error error = {0};
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_us());
    if (settings_load(server, &error))
        log_write(LOG_LEVEL_INFO, "settings were read again");
    else
        log_write(LOG_LEVEL_ERROR, "settings stay as they are: %s", error.message);
    schedule_settings_changed(server->schedule);
    pthread_mutex_lock(&server->api_mutex);
    if (server->api != NULL)
        api_settings_changed(server->api);
    pthread_mutex_unlock(&server->api_mutex);
    sd_notify(0, "READY=1");
}

/* The signals that have come; false: stop. */
static bool
signals_take(Server *server)
{
    struct signalfd_siginfo signal;
    while (read(server->signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT)
            return false;
        atomic_store(&server->wants_reload, true);
    }
    return true;
}

static void
watchdog_feed(Server *server)
{
    int64_t now_ms = clock_monotonic_ms();
    if (server->watchdog_ms == 0 || now_ms < server->watchdog_due_ms)
        return;
    server->watchdog_due_ms = now_ms + server->watchdog_ms;
    sd_notify(0, "WATCHDOG=1");
}

static void
loop(Server *server)
{
    struct pollfd wait = {.fd = server->signals, .events = POLLIN};
    do {
        if (atomic_exchange(&server->wants_reload, false))
            reload(server);
        int wait_ms = schedule_tick(server->schedule);
        watchdog_feed(server);
        (void)poll(&wait, 1, wait_ms);
    } while (signals_take(server));
}

/* From now on a signal ends the process at once, as whoever sends a second one wants. */
static void
signals_release(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Everything that was started, newest first; what could not be stopped in time ends with the process. */
static void
stop(Server *server)
{
    int64_t limit_ms = 0;
    if (server->settings != NULL) {
        FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(server->settings);
        limit_ms = settings_get_int(settings_of(held), SETTING_SERVER_STOP_TIMEOUT);
    }
    Deadline deadline = deadline_after_ms(limit_ms);
    pthread_mutex_lock(&server->api_mutex);
    Api *api = server->api;
    server->api = NULL;
    pthread_mutex_unlock(&server->api_mutex);
    bool is_api_over = api_stop(api, deadline);
    size_t unwritten;
    if (!schedule_stop(server->schedule, deadline, &unwritten) || !is_api_over) {
        /* Their threads still use all of this: the process ends, and its private clusters with it. */
        log_write(LOG_LEVEL_WARNING, "some rounds or index changes did not end in time; they are broken off");
        _exit(0);
    }
    if (server->store != NULL)
        store_lease_release(server->store);
    store_close(server->store);
    settings_give_at(&server->begun_with);
    metrics_registry_free(server->registry);
    settings_holder_free(server->settings);
    if (server->signals >= 0)
        close(server->signals);
}

bool
server_run(const ServerOptions *options, Error *error)
{
    Server server = {.options = options, .signals = -1, .api_mutex = PTHREAD_MUTEX_INITIALIZER};
    char holder[HOLDER_BYTES];
    holder_name(holder);
    memory_settle();
    bool started = signals_open(&server, error) && settings_load(&server, error) &&
                   store_start(&server, error) && services_start(&server, holder, error);
    if (started) {
        watchdog_take(&server);
        ready_tell(&server);
        loop(&server);
        log_write(LOG_LEVEL_INFO, "stopping");
        sd_notify(0, "STOPPING=1");
    }
    signals_release();
    stop(&server);
    return started;
}
