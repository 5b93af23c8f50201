// SPDX-License-Identifier: PostgreSQL
/*
 * What is observed of a target besides statements: metrics, activity, tables and indexes, settings, plans.
 *
 *   metric_rounds    (target_id, collected_at)                one figure per metric of the catalogue below
 *   metric_hours     (target_id, hour)                        mean, least and greatest of each
 *   activity_minutes (target_id, starts_at)                   how often which wait was seen, by statement
 *   relation_rounds  (target_id, database_id, collected_at)   one element per table or index
 *   setting_changes  (target_id, changed_at, name)            target_settings has the values of now
 *   explain_plans    contract, section 2.2
 *
 * Rounds are rows of arrays; figures are stored as four-byte floats (seven digits). What is not known is NULL
 * there and NAN here, never zero.
 *
 * Writing a row that is there already changes nothing, so a round may be repeated after a failure. The
 * functions that write open a transaction of their own.
 *
 * The catalogue is append-only: a metric's position is part of the stored format.
 */
#ifndef FETTLE_STORE_OBSERVATION_H
#define FETTLE_STORE_OBSERVATION_H

#include "pg/connection.h"

/* METRIC_GAUGE: a level at the time of the round. METRIC_RATE: a counter's delta per second over the round.
 */
typedef enum MetricKind { METRIC_GAUGE, METRIC_RATE } MetricKind;

/* X(id, "name", kind, "unit", "documentation") */
#define METRICS_TABLE(X)                                                                                     \
    X(METRIC_CONNECTIONS, "connections", METRIC_GAUGE, "1", "client sessions")                               \
    X(METRIC_CONNECTIONS_ACTIVE, "connections_active", METRIC_GAUGE, "1", "client sessions in state active") \
    X(METRIC_CONNECTIONS_IDLE, "connections_idle", METRIC_GAUGE, "1", "client sessions in state idle")       \
    X(METRIC_CONNECTIONS_IDLE_IN_TRANSACTION, "connections_idle_in_transaction", METRIC_GAUGE, "1",          \
      "client sessions idle in a transaction, aborted ones included")                                        \
    X(METRIC_CONNECTIONS_WAITING, "connections_waiting", METRIC_GAUGE, "1",                                  \
      "client sessions that wait for a lock")                                                                \
    X(METRIC_CONNECTIONS_MOST, "connections_most", METRIC_GAUGE, "1", "max_connections")                     \
    X(METRIC_TRANSACTION_AGE, "transaction_age_seconds", METRIC_GAUGE, "s",                                  \
      "age of the oldest open transaction")                                                                  \
    X(METRIC_LOCKS, "locks", METRIC_GAUGE, "1", "locks held")                                                \
    X(METRIC_LOCKS_WAITED_FOR, "locks_waited_for", METRIC_GAUGE, "1", "locks not granted")                   \
    X(METRIC_COMMITS, "commits", METRIC_RATE, "1/s", "transactions committed")                               \
    X(METRIC_ROLLBACKS, "rollbacks", METRIC_RATE, "1/s", "transactions rolled back")                         \
    X(METRIC_DEADLOCKS, "deadlocks", METRIC_RATE, "1/s", "deadlocks")                                        \
    X(METRIC_BLOCKS_HIT, "blocks_hit", METRIC_RATE, "blocks/s", "blocks found in shared buffers")            \
    X(METRIC_BLOCKS_READ, "blocks_read", METRIC_RATE, "blocks/s", "blocks read from the system")             \
    X(METRIC_CACHE_HIT_RATIO, "cache_hit_ratio", METRIC_GAUGE, "1",                                          \
      "share of blocks found in shared buffers in the round; NULL when none was asked for")                  \
    X(METRIC_ROWS_RETURNED, "rows_returned", METRIC_RATE, "1/s", "rows read by scans")                       \
    X(METRIC_ROWS_FETCHED, "rows_fetched", METRIC_RATE, "1/s", "rows fetched by index scans")                \
    X(METRIC_ROWS_INSERTED, "rows_inserted", METRIC_RATE, "1/s", "rows inserted")                            \
    X(METRIC_ROWS_UPDATED, "rows_updated", METRIC_RATE, "1/s", "rows updated")                               \
    X(METRIC_ROWS_DELETED, "rows_deleted", METRIC_RATE, "1/s", "rows deleted")                               \
    X(METRIC_TEMP_FILES, "temp_files", METRIC_RATE, "1/s", "temporary files made")                           \
    X(METRIC_TEMP_BYTES, "temp_bytes", METRIC_RATE, "bytes/s", "bytes written to temporary files")           \
    X(METRIC_WAL_BYTES, "wal_bytes", METRIC_RATE, "bytes/s", "write-ahead log written")                      \
    X(METRIC_CHECKPOINTS_TIMED, "checkpoints_timed", METRIC_RATE, "1/s", "checkpoints by time")              \
    X(METRIC_CHECKPOINTS_REQUESTED, "checkpoints_requested", METRIC_RATE, "1/s", "checkpoints by need")      \
    X(METRIC_CHECKPOINT_WRITE_TIME, "checkpoint_write_ms", METRIC_RATE, "ms/s",                              \
      "time checkpoints spent writing")                                                                      \
    X(METRIC_BUFFERS_CHECKPOINT, "buffers_checkpoint", METRIC_RATE, "blocks/s",                              \
      "blocks written by checkpoints")                                                                       \
    X(METRIC_BUFFERS_CLEAN, "buffers_clean", METRIC_RATE, "blocks/s",                                        \
      "blocks written by the background writer")                                                             \
    X(METRIC_BUFFERS_ALLOCATED, "buffers_allocated", METRIC_RATE, "blocks/s", "buffers allocated")           \
    X(METRIC_REPLICAS, "replicas", METRIC_GAUGE, "1", "walsenders that stream")                              \
    X(METRIC_REPLICA_LAG_BYTES, "replica_lag_bytes", METRIC_GAUGE, "bytes",                                  \
      "write-ahead log the slowest replica has not replayed")                                                \
    X(METRIC_REPLAY_LAG, "replay_lag_seconds", METRIC_GAUGE, "s",                                            \
      "on a standby: age of the last replayed transaction")                                                  \
    X(METRIC_SLOT_BYTES, "slot_bytes", METRIC_GAUGE, "bytes",                                                \
      "write-ahead log kept for the slowest replication slot")                                               \
    X(METRIC_DATABASE_BYTES, "database_bytes", METRIC_GAUGE, "bytes",                                        \
      "size of all databases that may be read")                                                              \
    X(METRIC_TRANSACTION_ID_AGE, "transaction_id_age", METRIC_GAUGE, "1", "age of the oldest datfrozenxid")  \
    X(METRIC_STATEMENTS, "statements", METRIC_GAUGE, "1", "entries of pg_stat_statements")                   \
    X(METRIC_STATEMENTS_EVICTED, "statements_evicted", METRIC_RATE, "1/s",                                   \
      "entries evicted from pg_stat_statements")                                                             \
    X(METRIC_CPU, "cpu_share", METRIC_GAUGE, "1",                                                            \
      "share of the machine's processors in use; a local target only")                                       \
    X(METRIC_MEMORY_AVAILABLE, "memory_available_bytes", METRIC_GAUGE, "bytes", "a local target only")       \
    X(METRIC_DISK_FREE, "disk_free_bytes", METRIC_GAUGE, "bytes",                                            \
      "on the data directory's file system; a local target only")                                            \
    X(METRIC_DISK_READ, "disk_read_bytes", METRIC_RATE, "bytes/s",                                           \
      "of the data directory's device; a local target only")                                                 \
    X(METRIC_DISK_WRITTEN, "disk_written_bytes", METRIC_RATE, "bytes/s",                                     \
      "of the data directory's device; a local target only")                                                 \
    X(METRIC_ROUND_MS, "round_ms", METRIC_GAUGE, "ms", "time the round's queries took on the target")

typedef enum MetricId {
#define METRIC_ENUM(id, name, kind, unit, documentation) id,
    METRICS_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
} MetricId;

typedef struct MetricInfo {
    const char *name;
    MetricKind kind;
    const char *unit;
    const char *documentation;
} MetricInfo;

const MetricInfo *metric_info(MetricId id);
bool metric_find(const char *name, MetricId *ret_id);

typedef struct MetricRound {
    int64_t target_id;
    int64_t collected_at_us;
    int64_t interval_ms;         /* 0 in the first round after a start: rates are NAN then */
    double values[METRIC_COUNT]; /* NAN: not known */
} MetricRound;

/* A round that is there already is left as it is. */
bool metric_rounds_write(PgConnection *session, const MetricRound *rounds, size_t count, Error *error)
    FETTLE_MUST_USE;

/* Adds up the complete hours (and ten minutes' lag) before now_us that are not added up yet; may be stopped
 * at any moment and repeated. */
bool metric_hours_write(PgConnection *session, int64_t target_id, int64_t now_us, Error *error)
    FETTLE_MUST_USE;

typedef struct MetricPoint {
    int64_t from_us;
    int64_t to_us;
    double mean; /* NAN: not known */
    double least;
    double greatest;
} MetricPoint;

typedef struct MetricRange {
    int64_t target_id;
    int64_t from_us;
    int64_t to_us;
    int64_t step_ms;    /* 0: as sampled; 3600000 and multiples of it read the hours */
    size_t points_most; /* 0: 100,000; more is ERROR_LIMIT */
} MetricRange;

bool metric_series_read(PgConnection *session, Arena *arena, const MetricRange *range, MetricId id,
                        MetricPoint **ret_points, size_t *ret_count, Error *error) FETTLE_MUST_USE;

/* One kind of activity seen in a minute. */
typedef struct ActivityRow {
    int32_t database_id;    /* 0: none */
    int32_t statement_id;   /* 0: not known (before 14, or not in pg_stat_statements) */
    int64_t queryid;        /* 0: not known */
    const char *state;      /* "active" ... */
    const char *wait_type;  /* "CPU" when it waits for nothing */
    const char *wait_event; /* "" when it waits for nothing */
    int64_t seen;           /* sessions × samples */
} ActivityRow;

typedef struct ActivityMinute {
    int64_t target_id;
    int64_t starts_at_us;
    int64_t samples; /* taken in the minute */
    const ActivityRow *rows;
    size_t row_count;
} ActivityMinute;

bool activity_minutes_write(PgConnection *session, const ActivityMinute *minutes, size_t count, Error *error)
    FETTLE_MUST_USE;
/* Summed over the range into one ActivityMinute, rows in descending order of seen, at most 10,000. */
bool activity_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us, int64_t to_us,
                   ActivityMinute *ret_sum, Error *error) FETTLE_MUST_USE;

typedef struct RelationRow {
    uint32_t relation_oid;
    uint32_t table_oid; /* of an index: its table; of a table: itself */
    const char *schema_name;
    const char *relation_name;
    char kind;           /* relkind: r m t i p */
    int64_t size_bytes;  /* -1 not known */
    double row_estimate; /* -1 not known */
    int64_t scans;       /* since the statistics were reset; of an index: idx_scan; of a table: seq_scan */
    int64_t rows_read;
    int64_t index_scans; /* of a table */
    int64_t rows_inserted;
    int64_t rows_updated;
    int64_t rows_updated_hot;
    int64_t rows_deleted;
    int64_t live_rows;
    int64_t dead_rows;
    int64_t blocks_hit;
    int64_t blocks_read;
    int64_t vacuumed_at_us; /* 0 never */
    int64_t analyzed_at_us; /* 0 never */
    double bloat_bytes;     /* NAN not known */
    bool bloat_is_measured; /* by pgstattuple; else estimated */
} RelationRow;

typedef struct RelationRound {
    int64_t target_id;
    int32_t database_id;
    int64_t collected_at_us;
    int64_t statistics_reset_at_us; /* 0 unknown */
    const RelationRow *rows;
    size_t row_count;
} RelationRound;

bool relation_round_write(PgConnection *session, const RelationRound *round, Error *error) FETTLE_MUST_USE;
/* The newest round of each database of the target (database_id 0) at or before a time (0: now). */
bool relation_rounds_read(PgConnection *session, Arena *arena, int64_t target_id, int32_t database_id,
                          int64_t at_us, RelationRound **ret_rounds, size_t *ret_count, Error *error)
    FETTLE_MUST_USE;

/* What the newest rounds of some databases tell of their greatest relations: of each row its names, kind,
 * size, row estimate, scans, rows read, live rows and when it was analysed; the rest is empty. */
typedef struct RelationUses {
    RelationRound *rounds;
    size_t count;
    bool is_cut; /* there are more than row_limit: that many and one come */
} RelationUses;

typedef struct RelationUsesOf {
    int64_t target_id;
    const char *const *database_names;
    size_t database_count;
    size_t row_limit; /* of all databases together */
} RelationUsesOf;

bool relation_uses_read(PgConnection *session, Arena *arena, const RelationUsesOf *of, RelationUses *ret_uses,
                        Error *error) FETTLE_MUST_USE;

typedef struct SettingChange {
    int64_t changed_at_us; /* when it was seen */
    const char *name;
    const char *old_value; /* NULL: first seen */
    const char *new_value; /* NULL: gone */
    const char *source;    /* pg_settings.source */
} SettingChange;

typedef struct SettingChanges {
    SettingChange *items;
    size_t count;
} SettingChanges;

/* Compares with what is stored of the target and writes the difference; of the first reading, only the values
 * of now. Values of settings that may hold secrets (connection strings, keys, commands) are not stored: they
 * stand as "(not stored)", so only their coming and going shows. */
bool target_settings_write(PgConnection *session, int64_t target_id, int64_t at_us, const SettingChange *now,
                           size_t count, Error *error) FETTLE_MUST_USE;
/* *ret_value NULL: not known. */
bool target_setting_read(PgConnection *session, Arena *arena, int64_t target_id, const char *name,
                         const char **ret_value, Error *error) FETTLE_MUST_USE;
bool setting_changes_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us,
                          int64_t to_us, SettingChanges *ret_changes, Error *error) FETTLE_MUST_USE;

typedef struct PlanRow {
    int64_t target_id;
    const char *database_name;
    int64_t query_hash;
    int64_t fingerprint_hash;
    int64_t collected_at_us;
    uint64_t plan_hash; /* of its shape */
    const char *plan_json;
    const char *plan_text;
    double rows_expected;
    double cost;
    bool has_seq_scan;
    bool has_index_scan;
    bool has_bitmap_scan;
    bool has_nested_loop;
    const char *change_cause; /* of a plan that differs from the one before: "an index was dropped: ..."; NULL
                                 none or unknown */
} PlanRow;

typedef struct PlanRows {
    PlanRow *items;
    size_t count;
    size_t bytes; /* of their plans, as plan_rows_read() has it */
} PlanRows;

/* Writes plans whose shape differs from the newest one of their statement and database; *ret_written counts
 * them. */
bool plan_rows_write(PgConnection *session, const PlanRow *rows, size_t count, int64_t *ret_written,
                     Error *error) FETTLE_MUST_USE;
/* The newest plan of each statement and database, the newest first: database_name, query_hash and plan_json
 * alone. Longer ones than PLAN_NEWEST_BYTES_MOST are left out, so that many fit into memory. */
#define PLAN_NEWEST_BYTES_MOST (256 * 1024)
bool plan_rows_newest(PgConnection *session, Arena *arena, int64_t target_id, size_t most, PlanRows *ret_rows,
                      Error *error) FETTLE_MUST_USE;
/* A plan that is longer than PLAN_BYTES_MOST, as JSON or as text, is NULL there: it is of thousands of
 * partitions, and nobody reads it. So are all from the first one on with which the rows would have more than
 * bytes_most together: one plan always fits into PLANS_BYTES_MOST, and so many bytes fit into a request's
 * memory, read, escaped at worst (six bytes for one) and copied as the answer grows. */
#define PLAN_BYTES_MOST (16 * 1024 * 1024)
#define PLANS_BYTES_MOST ((size_t)2 * PLAN_BYTES_MOST)
typedef struct PlanRange {
    int64_t target_id;
    int64_t query_hash; /* 0: of all statements */
    size_t most;        /* rows */
    size_t bytes_most;
} PlanRange;
/* The newest first. */
bool plan_rows_read(PgConnection *session, Arena *arena, const PlanRange *range, PlanRows *ret_rows,
                    Error *error) FETTLE_MUST_USE;

/* That a statement got another plan. */
typedef struct PlanChange {
    int64_t query_hash;
    int64_t id; /* of the plans' rows */
    int64_t replaced_id;
    const char *change_cause; /* NULL: unknown */
} PlanChange;

typedef struct PlanChangeRange {
    int64_t target_id;
    const int64_t *query_hashes; /* in the order in which they are wanted */
    size_t query_hash_count;
    int64_t at_us;
    int64_t near_us; /* before it or after */
} PlanChangeRange;

/* Of each of the statements the change nearest to the time, those of known cause first. */
bool plan_changes_read(PgConnection *session, Arena *arena, const PlanChangeRange *range,
                       PlanChange **ret_changes, size_t *ret_count, Error *error) FETTLE_MUST_USE;
/* Both plans of a change, as JSON; NULL: gone, or longer than PLAN_PAIR_BYTES_MOST, a thousand scans or more.
 */
#define PLAN_PAIR_BYTES_MOST (1024 * 1024)
bool plan_pair_read(PgConnection *session, Arena *arena, int64_t target_id, const PlanChange *change,
                    const char *ret_plans[2], Error *error) FETTLE_MUST_USE;

#endif
