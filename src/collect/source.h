// SPDX-License-Identifier: PostgreSQL
/*
 * Source: a database server of any kind, as the collector sees it.
 *
 * A driver is one SourceOps: it opens a session on a target and answers the questions below in the words of
 * this header. Everything a driver returns lives in the caller's arena, is valid UTF-8, and is bounded by the
 * limits stated here, whatever the server sends. The collector knows no SQL, and a driver knows no store and
 * no history: it gives lifetime counters as the server has them, deltas are made above (delta.h).
 *
 * Sessions only read: a driver opens them read-only with timeouts, and every question has a deadline. After a
 * failure that breaks the session is_broken() is true and the caller closes it. What a target cannot answer
 * (no extension, no right, no such view) is no failure: the answer has fewer figures, and SourceServer says
 * why.
 *
 * A session belongs to one thread at a time.
 *
 *     SourceSession *session = NULL;
 *     if (!source_open(&(SourceOptions){.dsn = dsn}, &session, error))
 *         return false;
 *     SourceState state;
 *     bool done = session->ops->round_begin(session, arena, deadline, &state, error) && ...
 *     source_close(session);
 */
#ifndef FETTLE_COLLECT_SOURCE_H
#define FETTLE_COLLECT_SOURCE_H

#include "base/clock.h"
#include "base/error.h"
#include "store/observation.h"
#include "store/sample.h"

#define SOURCE_DATABASES_MOST 1000
#define SOURCE_RELATIONS_MOST 50000
#define SOURCE_SETTINGS_MOST 5000
#define SOURCE_ACTIVITY_MOST 20000

typedef struct SourceOps SourceOps;

/* A driver's session begins with this. */
typedef struct SourceSession {
    const SourceOps *ops;
} SourceSession;

typedef struct SourceOptions {
    const char *dsn;
    const char *database; /* NULL: as the DSN says */
    int connect_timeout_ms;
    int statement_timeout_ms;
    int lock_timeout_ms;
    const char *const *databases; /* only these databases' statements; none: all; must outlive the session */
    size_t database_count;
} SourceOptions;

/* Known from the opening on. */
typedef struct SourceServer {
    const char *version_text;  /* "15.20" */
    int64_t system_identifier; /* 0: not known */
    bool has_statements;
    const char *statements_gap;  /* why there are none, or only some; NULL: all is well */
    const char *statements_hint; /* what the owner can do about it; NULL: nothing to say */
} SourceServer;

typedef struct SourceDatabase {
    uint32_t oid;
    const char *name;
    bool is_watched; /* one of SourceOptions.databases, or there is no such list and it is no template */
    bool can_connect;
} SourceDatabase;

/* What a round begins with. */
typedef struct SourceState {
    int64_t now_us; /* the server's clock */
    int64_t started_at_us;
    bool has_reset_info;
    int64_t statements_reset_at_us; /* of all statements; with has_reset_info */
    int64_t statements_evicted;     /* evictions so far; with has_reset_info */
    SourceDatabase *databases;
    size_t database_count;
} SourceState;

typedef struct StatementKey {
    uint32_t user_oid;
    uint32_t database_oid;
    int64_t queryid; /* not 0 */
    bool is_toplevel;
} StatementKey;

/* Lifetime counters of one entry. */
typedef struct StatementCounters {
    StatementKey key;
    double since;          /* when counting began, seconds since 1970 by the server's clock; 0: not known */
    double exec_stddev_us; /* of all calls */
    int64_t counters[SAMPLE_COUNTER_COUNT]; /* SAMPLE_EXEC_DEVIATION_US is not used here */
} StatementCounters;

typedef struct SourceStatements {
    StatementCounters *items;
    size_t count;
    bool is_cut; /* there are more: these are the busiest by total time */
} SourceStatements;

typedef struct SourceText {
    uint32_t database_oid;
    int64_t queryid;
    const char *text; /* NULL: the server does not show it */
} SourceText;

typedef struct SourceTexts {
    SourceText *items;
    size_t count;
    const char *gap; /* why nothing was read; NULL: all is well */
} SourceTexts;

typedef struct SourceUser {
    uint32_t oid;
    const char *name;
} SourceUser;

typedef struct SourceUsers {
    SourceUser *items;
    size_t count;
} SourceUsers;

/* Levels for gauges, lifetime counters for rates; NAN: not known. */
typedef struct SourceMetrics {
    double values[METRIC_COUNT];
    double cpu_busy_ticks; /* of the target's machine, lifetime; METRIC_CPU is made of both */
    double cpu_all_ticks;
} SourceMetrics;

typedef struct SourceActivity {
    uint32_t database_oid;
    uint32_t user_oid;
    int64_t queryid; /* 0: not known */
    const char *state;
    const char *wait_type;  /* "CPU" when it waits for nothing */
    const char *wait_event; /* "" when it waits for nothing */
    int64_t sessions;       /* several may be of one kind */
} SourceActivity;

typedef struct SourceActivities {
    SourceActivity *items;
    size_t count;
} SourceActivities;

typedef struct SourceRelations {
    RelationRow *items;
    size_t count;
    int64_t statistics_reset_at_us; /* 0: not known */
    bool is_cut;                    /* there are more: these are the largest */
} SourceRelations;

typedef struct SourceSettings {
    SettingChange *items; /* name, new_value, source */
    size_t count;
} SourceSettings;

typedef struct SourceLoad {
    int64_t
        server_time_us; /* that questions to the server took so far, until the last of their answers came */
    int64_t bytes_received;
} SourceLoad;

struct SourceOps {
    const char *name;
    bool (*accepts)(const char *dsn);
    bool (*open)(const SourceOptions *options, SourceSession **ret_session, Error *error);
    void (*close)(SourceSession *session);
    bool (*is_broken)(const SourceSession *session);
    const SourceServer *(*server)(const SourceSession *session);
    SourceLoad (*load)(const SourceSession *session);

    /* A round is round_begin, any number of statements_read, texts_read, users_read and metrics_read, and
     * round_end (also after a failure). */
    bool (*round_begin)(SourceSession *session, Arena *arena, Deadline deadline, SourceState *ret_state,
                        Error *error);
    bool (*statements_read)(SourceSession *session, Arena *arena, size_t most,
                            SourceStatements *ret_statements, Error *error);
    /* Texts of the ids; bytes_most bounds what the server may hold in all. */
    bool (*texts_read)(SourceSession *session, Arena *arena, const int64_t *queryids, size_t count,
                       int64_t bytes_most, SourceTexts *ret_texts, Error *error);
    bool (*users_read)(SourceSession *session, Arena *arena, SourceUsers *ret_users, Error *error);
    /* with_sizes: also what costs more to know (sizes of databases). */
    bool (*metrics_read)(SourceSession *session, Arena *arena, bool with_sizes, SourceMetrics *ret_metrics,
                         Error *error);
    bool (*settings_read)(SourceSession *session, Arena *arena, SourceSettings *ret_settings, Error *error);
    bool (*round_end)(SourceSession *session, Error *error);

    /* Outside of rounds. */
    bool (*activity_read)(SourceSession *session, Arena *arena, Deadline deadline,
                          SourceActivities *ret_activities, Error *error);
    /* Of the session's own database. */
    bool (*relations_read)(SourceSession *session, Arena *arena, Deadline deadline,
                           SourceRelations *ret_relations, Error *error);
};

extern const SourceOps source_postgres;

/* By the driver that takes the connection string. */
bool source_open(const SourceOptions *options, SourceSession **ret_session, Error *error) FETTLE_MUST_USE;
void source_close(SourceSession *session); /* NULL is allowed */
void source_close_at(SourceSession **session);

#endif
