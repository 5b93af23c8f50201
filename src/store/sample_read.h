// SPDX-License-Identifier: PostgreSQL
/*
 * Reading samples: by minute, by hour, and the top of a window. Decoding is done here, in C, over whole
 * blocks; SQL users have the same through fettle.samples() and the contract's views (migrations/).
 *
 * Every read has a target and a time range, and a limit on what it returns. Series are ascending in time; a
 * point covers [from_us, to_us) and has the number of seconds that were observed in it, so a gap shows as a
 * missing point or a short one, never as zero.
 */
#ifndef FETTLE_STORE_SAMPLE_READ_H
#define FETTLE_STORE_SAMPLE_READ_H

#include "store/sample.h"
#include "store/sample_cache.h"

typedef struct SamplePoint {
    int64_t from_us;
    int64_t to_us;
    double observed_seconds;
    unsigned flags;
    int64_t counters[SAMPLE_COUNTER_COUNT]; /* sums; the deviation is pooled over the calls */
} SamplePoint;

typedef struct SampleSeries {
    int32_t statement_id;
    int64_t query_hash;
    SamplePoint *points;
    size_t count;
} SampleSeries;

typedef struct SampleRange {
    int64_t target_id;
    int64_t from_us;
    int64_t to_us;
    int64_t step_ms;             /* 0: as sampled; whole hours read the day roll-ups. The range is widened to
                                  * whole steps, counted from 1970-01-01. */
    const char *database_name;   /* NULL: all */
    int64_t query_hash;          /* 0: all */
    const int64_t *query_hashes; /* NULL: all */
    size_t query_hash_count;
    size_t points_most; /* 0: 100,000 in all; more is ERROR_LIMIT */
    SampleCache *cache; /* of tops that are asked for again and again; NULL: none */
} SampleRange;

/* One series for each statement with activity in the range, ascending by statement_id; a point for each step
 * that was observed, of zeros when the statement was not called in it. */
bool sample_series_read(PgConnection *session, Arena *arena, const SampleRange *range,
                        SampleSeries **ret_series, size_t *ret_count, Error *error) FETTLE_MUST_USE;

/* The same, one series after the other, each only for the length of the call: for what is too much at once.
 * points_most is of one series. */
typedef void (*SampleVisit)(const SampleSeries *series, void *context);
bool sample_series_walk(PgConnection *session, const SampleRange *range, SampleVisit visit, void *context,
                        Error *error) FETTLE_MUST_USE;

typedef enum SampleOrder {
    SAMPLE_BY_TIME,
    SAMPLE_BY_CALLS,
    SAMPLE_BY_IO,
    SAMPLE_BY_MEAN,
    SAMPLE_BY_ROWS,
    SAMPLE_BY_TEMP,
    SAMPLE_BY_WAL
} SampleOrder;

/* A statement's sums over a window; statements of the same hash and database but of several users are one row
 * here. */
typedef struct SampleTotal {
    int64_t query_hash;
    int64_t queryid;
    int64_t fingerprint_hash; /* 0 unknown */
    const char *database_name;
    const char *user_name;  /* NULL: several or unknown */
    const char *query_text; /* NULL unknown, or left out */
    bool is_text_left_out;  /* the texts before it were too long together */
    double observed_seconds;
    int64_t first_seen_us;
    int64_t last_seen_us;
    int64_t counters[SAMPLE_COUNTER_COUNT];
} SampleTotal;

#define SAMPLE_TOP_TEXT_BYTES_MOST ((int64_t)64 * 1024 * 1024)

/* The first most (1 .. 10,000) of the window, in descending order, ties by query_hash. Their texts are not
 * longer than SAMPLE_TOP_TEXT_BYTES_MOST together: the last ones' are left out. */
bool sample_top_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleOrder order,
                     size_t most, SampleTotal **ret_totals, size_t *ret_count, Error *error) FETTLE_MUST_USE;

#endif
