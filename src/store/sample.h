// SPDX-License-Identifier: PostgreSQL
/*
 * Samples of statements: what each did in one round, deltas, never lifetime totals.
 *
 * Layout (measured in the engine notes as the best): a round of one database is ONE row of
 * fettle.sample_rounds, the journal; every four hours compaction packs the rounds of each statement into one
 * row of fettle.sample_blocks (our codec, sample_codec.h, decoded and compared before it is kept), deletes
 * them from the journal, and adds up complete days in fettle.sample_days.
 *
 *   sample_rounds     (target_id, database_id, collected_at)  interval, flags, pack by statement
 *   sample_times      (target_id, database_id, starts_at)     times, intervals and flags of the block's
 * rounds sample_blocks     (target_id, statement_id, starts_at)    pack by round sample_day_times (target_id,
 * database_id, day)           observed time and flags of each hour sample_days       (target_id,
 * statement_id, day)          day totals in plain columns, pack by hour sample_days_open  (target_id, day,
 * database_id)           days with blocks that are not added up sample_rows       (target_id, statement_id,
 * collected_at) inserted by hand through the contract's view
 *
 * A round is in the journal or in blocks, never in both, in every snapshot. It belongs to the block, hour
 * and day in which it ended (collected_at, UTC).
 *
 * A statement is known by a small number, statement_id, unique within its target (statement.h), so that a row
 * of the journal spends a byte or two on it. Statements and databases are written before their samples.
 *
 * Writing a round that is there already (the same target, database and time), in the journal or packed,
 * changes nothing, so a round may be repeated after a crash. A round that comes after its window was packed
 * is shown at once and packed by the next compaction.
 */
#ifndef FETTLE_STORE_SAMPLE_H
#define FETTLE_STORE_SAMPLE_H

#include "pg/connection.h"

/* X(id, "name in the store's views", "unit"); the order is part of the stored format: only ever add at the
 * end. */
#define SAMPLE_COUNTERS(X)                                                                                   \
    X(SAMPLE_CALLS, "calls", "1")                                                                            \
    X(SAMPLE_ROWS, "rows", "1")                                                                              \
    X(SAMPLE_EXEC_US, "exec_us", "us")                                                                       \
    X(SAMPLE_EXEC_DEVIATION_US, "exec_deviation_us", "us") /* of the round's calls: sd, not a sum */         \
    X(SAMPLE_PLAN_US, "plan_us", "us")                                                                       \
    X(SAMPLE_SHARED_HIT, "shared_blks_hit", "blocks")                                                        \
    X(SAMPLE_SHARED_READ, "shared_blks_read", "blocks")                                                      \
    X(SAMPLE_SHARED_DIRTIED, "shared_blks_dirtied", "blocks")                                                \
    X(SAMPLE_SHARED_WRITTEN, "shared_blks_written", "blocks")                                                \
    X(SAMPLE_LOCAL_HIT, "local_blks_hit", "blocks")                                                          \
    X(SAMPLE_LOCAL_READ, "local_blks_read", "blocks")                                                        \
    X(SAMPLE_LOCAL_DIRTIED, "local_blks_dirtied", "blocks")                                                  \
    X(SAMPLE_LOCAL_WRITTEN, "local_blks_written", "blocks")                                                  \
    X(SAMPLE_TEMP_READ, "temp_blks_read", "blocks")                                                          \
    X(SAMPLE_TEMP_WRITTEN, "temp_blks_written", "blocks")                                                    \
    X(SAMPLE_READ_US, "blk_read_us", "us")                                                                   \
    X(SAMPLE_WRITE_US, "blk_write_us", "us")                                                                 \
    X(SAMPLE_WAL_RECORDS, "wal_records", "1")                                                                \
    X(SAMPLE_WAL_FULL_PAGES, "wal_fpi", "1")                                                                 \
    X(SAMPLE_WAL_BYTES, "wal_bytes", "bytes")

typedef enum SampleCounter {
#define SAMPLE_ENUM(id, name, unit) id,
    SAMPLE_COUNTERS(SAMPLE_ENUM)
#undef SAMPLE_ENUM
        SAMPLE_COUNTER_COUNT
} SampleCounter;

const char *sample_counter_name(SampleCounter counter);

typedef struct Sample {
    int32_t statement_id;
    int64_t counters[SAMPLE_COUNTER_COUNT]; /* each >= 0 */
} Sample;

/* What is known of a round's trustworthiness; kept with its time. */
typedef enum SampleFlag {
    SAMPLE_FLAG_RESET = 1,   /* statistics were reset in it: its deltas count from the reset */
    SAMPLE_FLAG_EVICTED = 2, /* entries were evicted: some statements may be missing or too low */
    SAMPLE_FLAG_RESTART = 4, /* the server restarted in it */
    SAMPLE_FLAG_THINNED = 8, /* the load brake lengthened it */
    SAMPLE_FLAG_CUT = 16,    /* only the busiest statements were read */
} SampleFlag;

#define SAMPLE_ROUND_ROWS_MOST 1000000

/* One database's round. samples are in ascending order of statement_id, without repetition, each with calls >
 * 0 or another counter > 0. */
typedef struct SampleRound {
    int64_t target_id;
    int32_t database_id;
    int64_t collected_at_us; /* its end */
    int64_t interval_ms;     /* time since the round before; > 0 */
    unsigned flags;
    const Sample *samples;
    size_t sample_count;
} SampleRound;

/* Writes rounds in one transaction; partitions that are missing are made. Must not be called inside a
 * transaction; neither may the others here. */
bool sample_rounds_write(PgConnection *session, const SampleRound *rounds, size_t round_count, Error *error)
    FETTLE_MUST_USE;

typedef struct SampleUpkeep {
    int64_t blocks_written;
    int64_t days_written;
    int64_t partitions_made;
    int64_t partitions_dropped;
} SampleUpkeep;

/* Packs what the journal has of every complete block of the target (4 h, and its lag of 10 min, before
 * now_us), each block in a transaction, and adds up the days of which all blocks are complete. May be stopped
 * at any moment and repeated: what was done is not done again. */
bool sample_compact(PgConnection *session, int64_t target_id, int64_t now_us, SampleUpkeep *upkeep,
                    Error *error) FETTLE_MUST_USE;

/* Makes the partitions of the coming days and drops those past retention, of every table in
 * fettle.partitioned (samples, metrics, activity, resources); deletes rows inserted by hand past retention.
 * Compact first: a block dropped before its day is added up is gone from both. */
bool sample_partitions_keep(PgConnection *session, int64_t now_us, int64_t samples_kept_ms,
                            int64_t rollups_kept_ms, SampleUpkeep *upkeep, Error *error) FETTLE_MUST_USE;

#endif
