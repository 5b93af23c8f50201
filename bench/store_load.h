// SPDX-License-Identifier: PostgreSQL
/*
 * Made-up load for the measurements of the store, the same for the same seed.
 *
 * A database has a number of statements whose rates fall off as Zipf's law says (rate of rank r:
 * CALLS_A_MINUTE / r), times a curve of the day (0.4 to 1.6, the most at 14 UTC) and half of it on Saturdays
 * and Sundays. In a minute the calls are Poisson. The mean time of a statement is log-normal (median 1 ms,
 * sigma 1.8), that of a minute is log-normal about it with less spread the more calls there are. A quarter of
 * the statements write (WAL records, bytes, now and then full pages, blocks dirtied), 40 % read blocks from
 * the system, 3 % use temporary files, 40 % give exactly one row a call, 15 % a fixed number of rows. Nothing
 * plans and nothing is local, as in the defaults of PostgreSQL. Real data will pack differently.
 */
#ifndef FETTLE_BENCH_STORE_LOAD_H
#define FETTLE_BENCH_STORE_LOAD_H

#include "base/random.h"
#include "store/sample.h"

typedef struct LoadStatement {
    double calls_a_minute;
    double mean_us;
    double hits_a_call;
    double reads_a_call; /* 0: never */
    double rows_a_call;
    bool rows_are_fixed;
    double wal_records_a_call; /* 0: does not write */
    double wal_bytes_a_record;
    double temp_blocks_a_call;
} LoadStatement;

typedef struct Load {
    Random random;
    LoadStatement *statements;
    size_t count;
} Load;

Load load_new(Arena *arena, uint64_t seed, size_t statement_count);

/* What happened in the minute that ends at a time: samples in order, of the statements that were called. */
size_t load_minute(Load *load, int64_t ends_us, Sample *ret_samples);

#endif
