// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the collector share.
 *
 *   collector.c             opening, closing, the session on the target, activity
 *   collector_round.c       one round from reading to the record of its outcome
 *   collector_statements.c  databases and statements by our numbers, samples, texts
 *   collector_metrics.c     levels and rates
 *   collector_write.c       what waits for the store
 *   collector_resources.c   tables and indexes of every database; settings
 */
#ifndef FETTLE_COLLECT_COLLECTOR_INTERNAL_H
#define FETTLE_COLLECT_COLLECTOR_INTERNAL_H

#include "base/map.h"
#include "collect/activity.h"
#include "collect/brake.h"
#include "collect/collector.h"
#include "collect/delta.h"
#include "collect/source.h"
#include "store/statement.h"
#include "store/target.h"

#define COLLECTOR_ROUND_BYTES ((size_t)8 << 30)

typedef struct KnownStatement {
    StatementKey key; /* database_oid holds our database_id */
    int32_t statement_id;
    bool is_stored;
    bool has_text;
    uint8_t text_attempts;
} KnownStatement;

typedef struct KnownDatabase {
    int32_t database_id;
    uint32_t oid;
    const char *name;
    bool is_stored;
} KnownDatabase;

/* One round's rows on their way to the store, with what becomes the history once they are there. */
typedef struct CollectorPending {
    Arena *arena;
    DatabaseRow *databases;
    size_t database_count;
    StatementRow *statements;
    size_t statement_count;
    SampleRound *rounds;
    size_t round_count;
    MetricRound metrics;
    size_t sample_count;
    SourceState state;
    SourceStatements read;
    bool has_statements;
    int refusals; /* times the store refused the rows themselves */
} CollectorPending;

struct Collector {
    Store *store;
    int64_t target_id;
    Arena *arena;        /* lives as long as the collector: what is known */
    Arena *target_arena; /* of target; made anew when it changes */
    Target target;
    SourceSession *session;
    bool session_is_new; /* no round was read from it yet */
    Map *statements;     /* KnownStatement by hash of the key */
    int32_t statement_id_most;
    Map *databases; /* KnownDatabase by our id */
    int32_t database_id_most;
    Map *users; /* names by oid */
    DeltaHistory *history;
    ActivityLog *activity;
    LoadBrake brake;
    CollectorPending *pending;
    SourceMetrics metrics; /* of the round before */
    SourceState metrics_state;
    bool has_metrics;
    int64_t collected_at_us; /* of the last round, ever */
    /* monotonic, microseconds; 0: never */
    int64_t read_at_us;
    int64_t due_us;
    int64_t texts_at_us;
    int64_t settings_at_us;
    int64_t resources_at_us;
    size_t resources_position; /* of the database to go on with when the time was over */
    char resources_notice[COLLECTOR_NOTICE_BYTES];
    char texts_notice[COLLECTOR_NOTICE_BYTES];
};

/* What a round passes around. */
typedef struct CollectorRound {
    Collector *collector;
    const Settings *settings;
    CollectorReport *report;
    CollectorPending *pending; /* being filled */
    Arena *arena;              /* pending's: gone once it is written */
    Arena *work_arena;         /* the round's */
    Deadline deadline;
    int64_t interval_us; /* between rounds, as set */
    int64_t read_at_us;  /* monotonic */
    bool reads_resources;
    SourceMetrics metrics;
    SourceSettings server_settings; /* none when they are not due */
    const KnownDatabase **resource_databases;
    size_t resource_database_count;
} CollectorRound;

int64_t collector_interval_us(const Collector *collector, const Settings *settings);

/* The session on the target, opened when there is none. */
bool collector_session(Collector *collector, const Settings *settings, Error *error);
void collector_session_drop(Collector *collector);

KnownDatabase *collector_database_by_oid(const Collector *collector, uint32_t oid);
KnownStatement *collector_statement(const Collector *collector, const StatementKey *key);

/* Reads what is known from the store. */
bool collector_known_read(Collector *collector, PgConnection *session, Error *error);
/* Databases of the round get their numbers. */
void collector_databases_take(CollectorRound *round);
/* Samples from deltas, statements new to us registered, texts read when due. */
bool collector_samples_make(CollectorRound *round, Error *error);
void collector_metrics_make(CollectorRound *round);

CollectorPending *collector_pending_new(void);
void collector_pending_free(CollectorPending *pending);
/* Writes what waits, and the minutes of activity that ended before a time; on success the round is the
 * history. */
bool collector_pending_write(Collector *collector, int64_t activity_before_us, Error *error);

/* Tables and indexes of every database, when due; a failure is only a notice. */
void collector_resources(CollectorRound *round);
bool collector_settings_read(CollectorRound *round, Error *error);

#endif
