// SPDX-License-Identifier: PostgreSQL
/*
 * What a look for anomalies costs at a target of 500 statements, and how often it is wrong there: a week of
 * minutes of a made-up load without any fault (store_load.h), then a day of looks, one each five minutes.
 *
 *     workload_look URL
 *
 * The store must be migrated and empty. A line of JSON: CPU of this program and of the store's backend.
 */
#include "store_load.h"

#include "pg/result.h"
#include "store/observation.h"
#include "store/statement.h"
#include "workload/anomaly_watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STATEMENTS 500
#define ROUND_US INT64_C(60000000)
#define LOOK_ROUNDS 5
#define HISTORY_ROUNDS (7 * 24 * 60)
#define LOOKED_ROUNDS (24 * 60)
#define COMPACT_ROUNDS 60
#define ARENA_BYTES ((size_t)1 << 30)
#define DAY_US (INT64_C(86400) * 1000000)

typedef struct Bench {
    PgConnection *session;
    Load load;
    Sample *samples;
    int64_t base_us;
} Bench;

typedef struct Costs {
    double client_ms;
    double backend_ms;
    double refresh_ms; /* both, of looks that made baselines */
    int64_t looks;
    int64_t refreshes;
    int64_t series;
    int64_t rows;
    int64_t incidents;
} Costs;

static double
client_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double
backend_ms(const Bench *bench)
{
    char path[64];
    unsigned long long nanoseconds = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pg_connection_backend_pid(bench->session));
    FILE *file = fopen(path, "r");
    int count = file == NULL ? 0 : fscanf(file, "%llu", &nanoseconds);
    if (file != NULL)
        fclose(file);
    return count == 1 ? (double)nanoseconds / 1e6 : NAN;
}

static bool
target_make(Bench *bench, Arena *arena, Error *error)
{
    StatementRow *rows = ARENA_NEW_ARRAY(arena, StatementRow, STATEMENTS);
    DatabaseRow database = {1, 16384, "shop"};
    for (int32_t i = 0; i < STATEMENTS; i++)
        rows[i] = (StatementRow){.statement_id = i + 1,
                                 .database_id = 1,
                                 .user_name = "app",
                                 .user_oid = 10,
                                 .queryid = 1000 + i,
                                 .query_hash = 1000 + i,
                                 .is_toplevel = true,
                                 .query_text = "SELECT"};
    return pg_execute(bench->session,
                      "INSERT INTO fettle.targets (target_id, name, conninfo) VALUES (1, 'shop', '')",
                      error) &&
           database_rows_write(bench->session, 1, &database, 1, error) &&
           statement_rows_write(bench->session, 1, rows, STATEMENTS, error);
}

static bool
minute_write(Bench *bench, int64_t at_us, Error *error)
{
    SampleUpkeep upkeep = {0};
    SampleRound round = {.target_id = 1,
                         .database_id = 1,
                         .collected_at_us = at_us,
                         .interval_ms = ROUND_US / 1000,
                         .samples = bench->samples,
                         .sample_count = load_minute(&bench->load, at_us, bench->samples)};
    MetricRound metrics = {.target_id = 1, .collected_at_us = at_us, .interval_ms = ROUND_US / 1000};
    for (size_t i = 0; i < METRIC_COUNT; i++)
        metrics.values[i] = NAN;
    metrics.values[METRIC_LOCKS_WAITED_FOR] = random_below(&bench->load.random, 50) == 0;
    metrics.values[METRIC_CONNECTIONS_ACTIVE] = (double)random_below(&bench->load.random, 8);
    metrics.values[METRIC_ROWS_RETURNED] = 1000 + 200 * random_unit(&bench->load.random);
    bool is_day = (at_us - bench->base_us) % DAY_US == 0;
    bool is_compaction = (at_us - bench->base_us) % (COMPACT_ROUNDS * ROUND_US) == 0;
    return (!is_day || sample_partitions_keep(bench->session, at_us, 400 * DAY_US / 1000, 800 * DAY_US / 1000,
                                              &upkeep, error)) &&
           sample_rounds_write(bench->session, &round, 1, error) &&
           metric_rounds_write(bench->session, &metrics, 1, error) &&
           (!is_compaction || sample_compact(bench->session, 1, at_us, &upkeep, error));
}

static bool
look(Bench *bench, int64_t now_us, Costs *costs, Error *error)
{
    AnomalyWatchOptions options = {.target_id = 1,
                                   .now_us = now_us,
                                   .statements_most = STATEMENTS,
                                   .thresholds = {.z = {0, 1, 1.5, 2.5, 3}},
                                   .rows_kept_ms = 30 * DAY_US / 1000,
                                   .incidents_kept_ms = 365 * DAY_US / 1000};
    AnomalyReport report;
    double client = client_ms();
    double backend = backend_ms(bench);
    if (!anomaly_watch(bench->session, &options, &report, error))
        return false;
    client = client_ms() - client;
    backend = backend_ms(bench) - backend;
    costs->rows += report.rows_written;
    costs->incidents += report.incidents_new;
    if (report.made_baselines) {
        costs->refreshes++;
        costs->refresh_ms += client + backend;
        return true;
    }
    costs->looks++;
    costs->series += report.series;
    costs->client_ms += client;
    costs->backend_ms += backend;
    return true;
}

static bool
measure(Bench *bench, Arena *arena, Costs *costs, Error *error)
{
    if (!target_make(bench, arena, error))
        return false;
    for (int64_t i = 1; i <= HISTORY_ROUNDS + LOOKED_ROUNDS; i++) {
        int64_t at_us = bench->base_us + i * ROUND_US;
        if (!minute_write(bench, at_us - 1000000, error) ||
            (i > HISTORY_ROUNDS && i % LOOK_ROUNDS == 0 && !look(bench, at_us, costs, error)))
            return false;
    }
    return true;
}

int
main(int argument_count, char **arguments)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bench", ARENA_BYTES);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *session = NULL;
    PgConnectOptions options = {
        .purpose = PG_PURPOSE_OWN, .connect_timeout_ms = 10000, .statement_timeout_ms = 300000};
    Error error = {0};
    Costs costs = {0};
    if (argument_count != 2)
        return 2;
    bool good = pg_connection_open(arguments[1], &options, &session, &error);
    Bench bench = {.session = session,
                   .load = load_new(arena, 1, STATEMENTS),
                   .samples = ARENA_NEW_ARRAY(arena, Sample, STATEMENTS),
                   .base_us = clock_wall_us() / DAY_US * DAY_US};
    if (!good || !measure(&bench, arena, &costs, &error)) {
        fprintf(stderr, "workload_look: %s\n", error.message);
        return 1;
    }
    double looks = (double)costs.looks;
    printf(
        "{\"looks\": %lld, \"series\": %.0f, \"client_ms\": %.2f, \"backend_ms\": %.2f, \"refreshes\": %lld, "
        "\"refresh_ms\": %.0f, \"rows\": %lld, \"incidents\": %lld}\n",
        (long long)costs.looks, (double)costs.series / looks, costs.client_ms / looks,
        costs.backend_ms / looks, (long long)costs.refreshes, costs.refresh_ms / (double)costs.refreshes,
        (long long)costs.rows, (long long)costs.incidents);
    return 0;
}
