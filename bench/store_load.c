// SPDX-License-Identifier: PostgreSQL
#include "store_load.h"

#include <math.h>

#define CALLS_A_MINUTE 230.0
#define MINUTE_US INT64_C(60000000)
#define DAY_US (INT64_C(86400) * 1000000)
#define PI 3.14159265358979323846

/* Box and Muller, 1958. */
static double
load_normal(Random *random)
{
    double radius = sqrt(-2 * log(1 - random_unit(random)));
    return radius * cos(2 * PI * random_unit(random));
}

static int64_t
load_poisson(Random *random, double mean)
{
    if (mean > 30) {
        double value = mean + sqrt(mean) * load_normal(random);
        return value < 0 ? 0 : llround(value);
    }
    double limit = exp(-mean);
    double product = random_unit(random);
    int64_t count = 0;
    for (; product > limit; count++)
        product *= random_unit(random);
    return count;
}

Load
load_new(Arena *arena, uint64_t seed, size_t statement_count)
{
    Load load = {.random = random_new(seed),
                 .statements = ARENA_NEW_ARRAY(arena, LoadStatement, statement_count),
                 .count = statement_count};
    for (size_t i = 0; i < statement_count; i++) {
        LoadStatement *statement = &load.statements[i];
        /* Ids are not given in the order of rates. */
        size_t rank = i * 7919 % statement_count + 1;
        double habit = random_unit(&load.random);
        statement->calls_a_minute = CALLS_A_MINUTE / (double)rank;
        statement->mean_us = 1000 * exp(1.8 * load_normal(&load.random));
        statement->hits_a_call = 3 + exp(1.5 + 1.5 * load_normal(&load.random));
        statement->rows_are_fixed = habit < 0.55;
        statement->rows_a_call = habit < 0.4    ? 1
                                 : habit < 0.55 ? 1 + (double)random_below(&load.random, 50)
                                                : exp(1 + 1.5 * load_normal(&load.random));
        if (random_unit(&load.random) < 0.4)
            statement->reads_a_call = exp(-2 + load_normal(&load.random));
        if (random_unit(&load.random) < 0.25)
            statement->wal_records_a_call = 1 + (double)random_below(&load.random, 6);
        statement->wal_bytes_a_record = 60 + 100 * random_unit(&load.random);
        if (random_unit(&load.random) < 0.03)
            statement->temp_blocks_a_call = exp(4 + load_normal(&load.random));
    }
    return load;
}

static void
load_sample(Random *random, const LoadStatement *statement, int64_t calls,
            int64_t counters[SAMPLE_COUNTER_COUNT])
{
    double spread = 0.8 / sqrt((double)calls);
    double time = statement->mean_us * (double)calls * exp(spread * load_normal(random));
    counters[SAMPLE_CALLS] = calls;
    counters[SAMPLE_EXEC_US] = llround(time) + calls;
    counters[SAMPLE_EXEC_DEVIATION_US] =
        calls == 1 ? 0 : llround(statement->mean_us * 0.9 * exp(0.3 * load_normal(random)));
    counters[SAMPLE_ROWS] = statement->rows_are_fixed
                                ? calls * llround(statement->rows_a_call)
                                : load_poisson(random, (double)calls * statement->rows_a_call);
    counters[SAMPLE_SHARED_HIT] = load_poisson(random, (double)calls * statement->hits_a_call);
    if (statement->reads_a_call > 0) {
        counters[SAMPLE_SHARED_READ] = load_poisson(random, (double)calls * statement->reads_a_call);
        counters[SAMPLE_READ_US] =
            llround((double)counters[SAMPLE_SHARED_READ] * 80 * exp(0.5 * load_normal(random)));
    }
    if (statement->wal_records_a_call > 0) {
        int64_t records = calls * llround(statement->wal_records_a_call);
        int64_t pages = load_poisson(random, 0.02 * (double)records);
        counters[SAMPLE_WAL_RECORDS] = records;
        counters[SAMPLE_WAL_FULL_PAGES] = pages;
        counters[SAMPLE_WAL_BYTES] = llround((double)records * statement->wal_bytes_a_record) +
                                     pages * (int64_t)(4000 + random_below(random, 4000));
        counters[SAMPLE_SHARED_DIRTIED] = load_poisson(random, 0.3 * (double)records);
    }
    if (statement->temp_blocks_a_call > 0) {
        counters[SAMPLE_TEMP_WRITTEN] = calls * llround(statement->temp_blocks_a_call);
        counters[SAMPLE_TEMP_READ] = counters[SAMPLE_TEMP_WRITTEN];
    }
}

size_t
load_minute(Load *load, int64_t ends_us, Sample *ret_samples)
{
    int64_t starts_us = ends_us - MINUTE_US;
    double hour = (double)(starts_us % DAY_US) / (double)DAY_US * 24;
    int64_t weekday = (starts_us / DAY_US + 4) % 7;
    double curve = (1 + 0.6 * cos((hour - 14) / 12 * PI)) * (weekday == 0 || weekday == 6 ? 0.5 : 1);
    size_t count = 0;
    for (size_t i = 0; i < load->count; i++) {
        int64_t calls = load_poisson(&load->random, load->statements[i].calls_a_minute * curve);
        if (calls == 0)
            continue;
        ret_samples[count] = (Sample){.statement_id = (int32_t)i + 1};
        load_sample(&load->random, &load->statements[i], calls, ret_samples[count++].counters);
    }
    return count;
}
