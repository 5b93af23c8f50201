// SPDX-License-Identifier: PostgreSQL
/*
 * Measures the store of samples on a server of its own: bytes, CPU of the backend, reads, the codec; beside
 * plain rows and arrays of an hour. bench/store.py starts the server and this; the load is described in
 * store_load.h.
 *
 *     store_bench CONNECTION DATABASES DAYS PLAIN_DAYS
 *
 * The load's clock starts today and runs ahead, so that rounds are new when they are written, as they are in
 * life: each round is a transaction, each four hours are packed as they become due. Plain rows and arrays
 * hold the first database's first PLAIN_DAYS days; reads of them are multiplied to DAYS, which is fair to
 * them, for their caches are the smaller.
 */
#include "store_load.h"

#include "base/clock.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/migrate.h"
#include "store/sample_internal.h"
#include "store/sample_read.h"
#include "store/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS 500
#define ROUND_US INT64_C(60000000)
#define READS 15
#define DATABASES_MOST 64

typedef struct Bench {
    Arena *arena;
    PgConnection *session;
    int databases;
    int days;
    int plain_days;
    int64_t base_us;
    int64_t samples;         /* with activity */
    int64_t journal_samples; /* of the first day, with the CPU that writing them took */
    double journal_cpu_s;
    double packing_cpu_s;
    int packings;
    double with_day_cpu_s; /* of the packings that added up a day too */
    int packings_with_day;
    int64_t plain_samples;
    double plain_cpu_s;
    double plain_hours_cpu_s;
    int64_t journal_bytes; /* of four hours of all databases */
    int bars;
    int bars_met;
} Bench;

static void
must(bool done, const Error *error)
{
    if (done)
        return;
    fprintf(stderr, "store_bench: %s\n", error->message);
    exit(1);
}

static void
bench_bar(Bench *bench, const char *name, const char *figure, bool is_met)
{
    bench->bars++;
    bench->bars_met += is_met;
    printf("  bar: %s: %s: %s\n", name, figure, is_met ? "met" : "NOT MET");
    fflush(stdout);
}

/* CPU seconds that the session's backend has used, by the scheduler's own count. */
static double
backend_cpu_s(const Bench *bench)
{
    char path[64];
    long long nanoseconds = 0;
    snprintf(path, sizeof(path), "/proc/%d/schedstat", pg_connection_backend_pid(bench->session));
    FILE *file = fopen(path, "r");
    char line[128] = "";
    if (file == NULL || fgets(line, sizeof(line), file) == NULL) {
        fprintf(stderr, "store_bench: could not read %s\n", path);
        exit(1);
    }
    fclose(file);
    nanoseconds = strtoll(line, NULL, 10);
    return (double)nanoseconds / 1e9;
}

static double
now_s(void)
{
    return (double)clock_monotonic_us() / 1e6;
}

static int64_t
ask_number(Bench *bench, const char *sql)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Error error = {0};
    must(pg_query_simple(bench->session, sql, &rows, &error), &error);
    return pg_result_int(rows, 0, 0, 0);
}

static int64_t
table_bytes(Bench *bench, const char *tables)
{
    return ask_number(
        bench, arena_printf(
                   bench->arena,
                   "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c WHERE c.relkind = 'r' "
                   "AND c.relnamespace = 'fettle'::regnamespace AND c.relname ~ '^(%s)(_[0-9]+)?$'",
                   tables));
}

static void
make_target(Bench *bench)
{
    Error error = {0};
    must(pg_execute(bench->session,
                    "INSERT INTO fettle.targets (target_id, name, conninfo) VALUES (1, 'fleet', '')", &error),
         &error);
    StatementRow *rows = ARENA_NEW_ARRAY(bench->arena, StatementRow, STATEMENTS);
    for (int32_t d = 1; d <= bench->databases; d++) {
        DatabaseRow database = {d, 16384 + (uint32_t)d, arena_printf(bench->arena, "shop%d", d)};
        for (int32_t i = 0; i < STATEMENTS; i++)
            rows[i] = (StatementRow){.statement_id = (d - 1) * STATEMENTS + i + 1,
                                     .database_id = d,
                                     .user_name = "app",
                                     .user_oid = 10,
                                     .queryid = 1000 * d + i,
                                     .query_hash = 1000 * d + i,
                                     .is_toplevel = true,
                                     .query_text = "SELECT"};
        must(database_rows_write(bench->session, 1, &database, 1, &error), &error);
        must(statement_rows_write(bench->session, 1, rows, STATEMENTS, &error), &error);
    }
}

/* Rounds that wait to be written. */
typedef struct Pending {
    SampleRound *rounds;
    Sample *samples;
    size_t count;
} Pending;

/* One round of every database. */
static void
add_minute(Bench *bench, Load *loads, Pending *pending, int64_t at_us)
{
    for (int32_t d = 0; d < bench->databases; d++) {
        Sample *own = pending->samples + pending->count * STATEMENTS;
        SampleRound *round = &pending->rounds[pending->count++];
        *round = (SampleRound){.target_id = 1,
                               .database_id = d + 1,
                               .collected_at_us = at_us + (int64_t)random_below(&loads[0].random, 20000),
                               .interval_ms = ROUND_US / 1000,
                               .samples = own,
                               .sample_count = load_minute(&loads[d], at_us, own)};
        for (size_t i = 0; i < round->sample_count; i++)
            own[i].statement_id += d * STATEMENTS;
        bench->samples += (int64_t)round->sample_count;
    }
}

/* In one transaction. */
static void
write_pending(Bench *bench, Pending *pending, bool is_measured)
{
    Error error = {0};
    double cpu = backend_cpu_s(bench);
    must(sample_rounds_write(bench->session, pending->rounds, pending->count, &error), &error);
    for (size_t i = 0; is_measured && i < pending->count; i++)
        bench->journal_samples += (int64_t)pending->rounds[i].sample_count;
    bench->journal_cpu_s += is_measured ? backend_cpu_s(bench) - cpu : 0;
    pending->count = 0;
}

static void
pack(Bench *bench, int64_t now_us)
{
    SampleUpkeep upkeep = {0};
    Error error = {0};
    double cpu = backend_cpu_s(bench);
    must(sample_compact(bench->session, 1, now_us, &upkeep, &error), &error);
    cpu = backend_cpu_s(bench) - cpu;
    bench->packing_cpu_s += cpu;
    bench->packings++;
    if (upkeep.days_written > 0) {
        bench->with_day_cpu_s += cpu;
        bench->packings_with_day++;
    }
}

static void
keep_partitions(Bench *bench, int64_t now_us)
{
    SampleUpkeep upkeep = {0};
    Error error = {0};
    must(sample_partitions_keep(bench->session, now_us, 400 * INT64_C(86400000), 800 * INT64_C(86400000),
                                &upkeep, &error),
         &error);
}

/* All days, and four hours more that stay in the journal. The first day is written as in life, a transaction
 * a minute, and measured; the others by the hour, for time. */
static void
write_all(Bench *bench)
{
    Load *loads = ARENA_NEW_ARRAY(bench->arena, Load, (size_t)bench->databases);
    size_t rounds_most = (size_t)bench->databases * 60;
    Pending pending = {.rounds = ARENA_NEW_ARRAY(bench->arena, SampleRound, rounds_most),
                       .samples = ARENA_NEW_ARRAY(bench->arena, Sample, rounds_most * STATEMENTS)};
    for (int d = 0; d < bench->databases; d++)
        loads[d] = load_new(bench->arena, (uint64_t)d + 1, STATEMENTS);
    int64_t ends_us = bench->base_us + bench->days * SAMPLE_DAY_US + 4 * SAMPLE_HOUR_US;
    for (int64_t at = bench->base_us; at < ends_us; at += ROUND_US) {
        int64_t since_us = at - bench->base_us;
        bool is_measured = since_us < SAMPLE_DAY_US;
        if (since_us % SAMPLE_DAY_US == 0)
            keep_partitions(bench, at);
        if (since_us == SAMPLE_BLOCK_US)
            bench->journal_bytes = table_bytes(bench, "sample_rounds");
        if (since_us % SAMPLE_BLOCK_US == SAMPLE_LAG_US + ROUND_US && since_us > SAMPLE_BLOCK_US)
            pack(bench, at);
        add_minute(bench, loads, &pending, at);
        if (is_measured || pending.count == rounds_most)
            write_pending(bench, &pending, is_measured);
    }
    pack(bench, ends_us);
}

static void
report_bytes(Bench *bench)
{
    double slots = (double)bench->databases * STATEMENTS * 1440 * bench->days;
    double hours = (double)bench->databases * STATEMENTS * 24 * bench->days;
    double blocks = (double)table_bytes(bench, "sample_blocks|sample_times") / slots;
    double journal = (double)bench->journal_bytes / ((double)bench->databases * STATEMENTS * 240);
    double days = (double)table_bytes(bench, "sample_days|sample_day_times|sample_days_open") / hours;
    double active = (double)bench->samples / (slots * (1 + 4.0 / 24 / bench->days));
    printf("== store: %d databases x %d statements x %d days: %.1f M slots, %.1f M samples (%.0f %% of the "
           "slots active)\n",
           bench->databases, STATEMENTS, bench->days, slots / 1e6, (double)bench->samples / 1e6,
           100 * active);
    printf("  bytes, with indexes and tuple heads:\n");
    printf(
        "    blocks %.2f B a slot (%.2f B a sample); journal %.1f B a slot while it lasts, 4 of %d hours\n",
        blocks, blocks / active, journal, 24 * bench->days);
    printf("    days   %.2f B a statement and hour\n", days);
    double all = blocks + journal * 4 / (24 * 30);
    bench_bar(bench, "bytes a slot, 30 days of blocks with their journal, at most 7",
              arena_printf(bench->arena, "%.2f", all), all <= 7);
    bench_bar(bench, "bytes a statement and hour, days, at most 20", arena_printf(bench->arena, "%.2f", days),
              days <= 20);
}

/* Plain rows as the rivals keep them, in rounds too. */
static void
write_plain(Bench *bench)
{
    Load load = load_new(bench->arena, 1, STATEMENTS);
    Sample *samples = ARENA_NEW_ARRAY(bench->arena, Sample, STATEMENTS);
    Error error = {0};
    Text columns = text_new(bench->arena);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        text_append_format(&columns, ", %s int8 NOT NULL", sample_counter_name((SampleCounter)c));
    must(pg_execute_script(
             bench->session,
             arena_printf(
                 bench->arena,
                 "CREATE TABLE plain_rows (target_id int8 NOT NULL, statement_id int4 NOT NULL, "
                 "collected_at timestamptz NOT NULL%s, PRIMARY KEY (target_id, statement_id, collected_at))",
                 columns.data),
             NULL, &error),
         &error);
    int width = SAMPLE_COUNTER_COUNT + 3;
    for (int64_t minute = 0; minute < bench->plain_days * INT64_C(1440); minute++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("plain rows", (size_t)64 << 20);
        int64_t at_us = bench->base_us + minute * ROUND_US;
        size_t count = load_minute(&load, at_us, samples);
        const char **values = ARENA_NEW_ARRAY(arena, const char *, count *(size_t)width);
        SampleTime at = sample_time_text(at_us);
        for (size_t i = 0; i < count; i++) {
            const char **row = values + i * (size_t)width;
            row[0] = "1";
            row[1] = arena_strdup(arena, store_number(samples[i].statement_id).text);
            row[2] = at.text;
            for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
                row[3 + c] = arena_strdup(arena, store_number(samples[i].counters[c]).text);
        }
        double before = backend_cpu_s(bench);
        must(pg_copy_in(bench->session, "COPY plain_rows FROM STDIN", values, count, width, &error), &error);
        bench->plain_cpu_s += backend_cpu_s(bench) - before;
        bench->plain_samples += (int64_t)count;
    }
    must(pg_execute(bench->session, "ANALYZE plain_rows", &error), &error);
}

static void
write_arrays(Bench *bench)
{
    Error error = {0};
    Text columns = text_new(bench->arena);
    Text sums = text_new(bench->arena);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++) {
        const char *name = sample_counter_name((SampleCounter)c);
        text_append_format(&columns, ", %s int8[] COMPRESSION lz4 NOT NULL", name);
        text_append_format(&sums, ", array_agg(%s ORDER BY collected_at)", name);
    }
    must(pg_execute_script(bench->session,
                           arena_printf(bench->arena,
                                        "CREATE TABLE hour_arrays (target_id int8, statement_id int4, hour "
                                        "timestamptz, minute int2[]%s, "
                                        "PRIMARY KEY (target_id, statement_id, hour)); SET statement_timeout "
                                        "= 0; INSERT INTO hour_arrays SELECT target_id, "
                                        "statement_id, date_trunc('hour', collected_at), "
                                        "array_agg(extract(minute FROM collected_at)::int2 "
                                        "ORDER BY collected_at)%s FROM plain_rows GROUP BY 1, 2, 3; ANALYZE "
                                        "hour_arrays; RESET statement_timeout",
                                        columns.data, sums.data),
                           NULL, &error),
         &error);
}

/* Hours of plain rows, for the same end as our days. */
static void
write_plain_hours(Bench *bench)
{
    Error error = {0};
    Text sums = text_new(bench->arena);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        text_append_format(&sums, ", sum(%s)::int8 AS %s", sample_counter_name((SampleCounter)c),
                           sample_counter_name((SampleCounter)c));
    must(pg_execute(bench->session, "SET work_mem = '64MB'", &error), &error);
    double cpu = backend_cpu_s(bench);
    must(
        pg_execute(bench->session,
                   arena_printf(bench->arena,
                                "CREATE TABLE plain_hours AS SELECT target_id, statement_id, "
                                "date_trunc('hour', collected_at) AS hour%s FROM plain_rows GROUP BY 1, 2, 3",
                                sums.data),
                   &error),
        &error);
    must(pg_execute(bench->session, "ALTER TABLE plain_hours ADD PRIMARY KEY (target_id, statement_id, hour)",
                    &error),
         &error);
    bench->plain_hours_cpu_s = backend_cpu_s(bench) - cpu;
    must(pg_execute(bench->session, "ANALYZE plain_hours", &error), &error);
}

static void
report_ingest(Bench *bench)
{
    double samples = (double)bench->samples;
    double plain_samples = (double)bench->plain_samples;
    int without_day = bench->packings - bench->packings_with_day;
    double windows_s = (bench->packing_cpu_s - bench->with_day_cpu_s) / (without_day > 0 ? without_day : 1) *
                       bench->packings;
    double days_s = bench->packing_cpu_s - windows_s;
    double journal = (double)bench->journal_samples / bench->journal_cpu_s;
    double raw = 1 / (1 / journal + windows_s / samples);
    double whole = 1 / (1 / journal + bench->packing_cpu_s / samples);
    double plain = plain_samples / bench->plain_cpu_s;
    double plain_whole = plain_samples / (bench->plain_cpu_s + bench->plain_hours_cpu_s);
    printf(
        "  writing, million samples a CPU second of the backend; one transaction a round of the target:\n");
    printf("    journal %.2f, packing %.2f, adding up days %.1f; raw %.2f, with hours %.2f\n", journal / 1e6,
           samples / windows_s / 1e6, samples / days_s / 1e6, raw / 1e6, whole / 1e6);
    printf("    plain rows by COPY %.3f, with a table of hours %.3f\n", plain / 1e6, plain_whole / 1e6);
    bench_bar(bench, "samples a CPU second against plain rows, at least 25 times",
              arena_printf(bench->arena, "%.1f times (with hours on both sides %.1f)", raw / plain,
                           whole / plain_whole),
              raw / plain >= 25);
    double plain_slots = (double)STATEMENTS * 1440 * bench->plain_days;
    printf(
        "  bytes: plain rows %.0f and arrays of an hour %.1f a slot, plain hours %.0f a statement and hour\n",
        (double)ask_number(bench, "SELECT pg_total_relation_size('plain_rows')") / plain_slots,
        (double)ask_number(bench, "SELECT pg_total_relation_size('hour_arrays')") / plain_slots,
        (double)ask_number(bench, "SELECT pg_total_relation_size('plain_hours')") / (plain_slots / 60));
}

static int
compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

typedef struct Timing {
    double wall_ms;    /* median; the machine's of the moment */
    double backend_ms; /* CPU */
    double own_ms;     /* CPU of this program */
} Timing;

/* A read of ours; hash 0: all statements of one database. */
static Timing
time_series(Bench *bench, const SampleRange *range)
{
    double walls[READS];
    Timing sum = {0};
    for (int i = -1; i < READS; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("read", (size_t)2 << 30);
        SampleSeries *series = NULL;
        size_t count = 0;
        Error error = {0};
        double backend = backend_cpu_s(bench);
        double own = clock_own_cpu_ms();
        double wall = now_s();
        must(sample_series_read(bench->session, arena, range, &series, &count, &error), &error);
        if (i < 0)
            continue;
        walls[i] = 1000 * (now_s() - wall);
        sum.backend_ms += 1000 * (backend_cpu_s(bench) - backend) / READS;
        sum.own_ms += (clock_own_cpu_ms() - own) / READS;
    }
    qsort(walls, READS, sizeof(*walls), compare_doubles);
    sum.wall_ms = walls[READS / 2];
    return sum;
}

static Timing
time_sql(Bench *bench, const char *sql, int repeats)
{
    double best = 1e9;
    double cpu = 1e9;
    for (int i = 0; i < repeats; i++) {
        FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
        Error error = {0};
        double before = backend_cpu_s(bench);
        double wall = now_s();
        must(pg_query(bench->session, &(PgQuery){.text = sql, .deadline = deadline_after_ms(600000)}, &rows,
                      &error),
             &error);
        wall = 1000 * (now_s() - wall);
        before = 1000 * (backend_cpu_s(bench) - before);
        best = wall < best ? wall : best;
        cpu = before < cpu ? before : cpu;
    }
    double scale = (double)bench->days / bench->plain_days;
    return (Timing){best * scale, cpu * scale, 0};
}

static void
report_read(const char *name, Timing timing)
{
    printf("    %-50s %9.2f ms (%9.2f + %.2f)\n", name, timing.wall_ms, timing.backend_ms, timing.own_ms);
    fflush(stdout);
}

static void
report_reads_of_others(Bench *bench)
{
    Text sums = text_new(bench->arena);
    Text array_sums = text_new(bench->arena);
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++) {
        const char *name = sample_counter_name((SampleCounter)c);
        text_append_format(&sums, ", sum(%s)", name);
        text_append_format(&array_sums, ", (SELECT sum(x) FROM unnest(%s) x)", name);
    }
    static const char one[] = "AND statement_id = 77";
    Error error = {0};
    must(pg_execute_script(bench->session, "SET statement_timeout = 0; SET work_mem = '64MB'", NULL, &error),
         &error);
    char sql[8192];
    snprintf(sql, sizeof(sql),
             "SELECT statement_id, date_trunc('hour', collected_at)%s FROM plain_rows WHERE target_id = 1 %s "
             "GROUP BY 1, 2",
             sums.data, one);
    report_read("plain rows: one statement, 30 days by hour", time_sql(bench, sql, 5));
    snprintf(sql, sizeof(sql), "SELECT statement_id, hour%s FROM hour_arrays WHERE target_id = 1 %s",
             array_sums.data, one);
    report_read("arrays of an hour: one statement", time_sql(bench, sql, 5));
    report_read("plain hours: one statement",
                time_sql(bench, "SELECT * FROM plain_hours WHERE target_id = 1 AND statement_id = 77", 5));
    snprintf(sql, sizeof(sql),
             "SELECT statement_id, date_trunc('hour', collected_at)%s FROM plain_rows WHERE target_id = 1 %s "
             "GROUP BY 1, 2",
             sums.data, "");
    report_read("plain rows: all 500 statements", time_sql(bench, sql, 2));
    snprintf(sql, sizeof(sql), "SELECT statement_id, hour%s FROM hour_arrays WHERE target_id = 1 %s",
             array_sums.data, "");
    report_read("arrays of an hour: all 500 statements", time_sql(bench, sql, 2));
    report_read("plain hours: all 500 statements",
                time_sql(bench, "SELECT * FROM plain_hours WHERE target_id = 1", 3));
}

static void
report_reads(Bench *bench)
{
    int64_t packed_us = bench->base_us + bench->days * SAMPLE_DAY_US;
    SampleRange one = {.target_id = 1,
                       .from_us = bench->base_us,
                       .to_us = packed_us,
                       .step_ms = 3600000,
                       .query_hash = 1000 * bench->databases + 77,
                       .points_most = 10000000};
    SampleRange all = one;
    all.query_hash = 0;
    all.database_name = arena_printf(bench->arena, "shop%d", bench->databases);
    printf("  reading, clock (CPU of the backend + of the reader); bars are judged by CPU:\n");
    Timing of_one = time_series(bench, &one);
    Timing of_all = time_series(bench, &all);
    report_read("one statement, all days by hour", of_one);
    report_read("all 500 statements, all days by hour", of_all);
    one.to_us = all.to_us = packed_us + 4 * SAMPLE_HOUR_US;
    report_read("one statement, and 4 hours in the journal", time_series(bench, &one));
    report_read("all 500 statements, and 4 hours in the journal", time_series(bench, &all));
    one.to_us = all.to_us = packed_us;
    one.step_ms = all.step_ms = 0;
    one.from_us = packed_us - SAMPLE_DAY_US;
    all.from_us = packed_us - SAMPLE_HOUR_US;
    report_read("one statement, a day by minute", time_series(bench, &one));
    report_read("all 500 statements, an hour by minute", time_series(bench, &all));
    bench_bar(bench, "one statement, 30 days by hour, at most 5 ms",
              arena_printf(bench->arena, "%.2f ms", of_one.backend_ms + of_one.own_ms),
              of_one.backend_ms + of_one.own_ms <= 5);
    bench_bar(bench, "500 statements, 30 days by hour, at most 250 ms",
              arena_printf(bench->arena, "%.0f ms", of_all.backend_ms + of_all.own_ms),
              of_all.backend_ms + of_all.own_ms <= 250);
    report_reads_of_others(bench);
}

/* The codec alone, over one database's first blocks. */
static void
report_codec(Bench *bench)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)4 << 30);
    Error error = {0};
    PgQuery query = {
        .text = "SELECT data, cardinality(t.collected_at) FROM fettle.sample_blocks b JOIN "
                "fettle.sample_times t USING (target_id, database_id, starts_at) WHERE target_id = 1 "
                "ORDER BY starts_at, statement_id LIMIT 3000",
        .is_binary = true};
    must(pg_query(bench->session, &query, &rows, &error), &error);
    size_t count = (size_t)pg_result_rows(rows);
    SampleBytes *bytes = ARENA_NEW_ARRAY(arena, SampleBytes, count);
    SamplePack *packs = ARENA_NEW_ARRAY(arena, SamplePack, count);
    int64_t samples = 0;
    for (size_t i = 0; i < count; i++)
        must(sample_bytes_of(rows, (int64_t)i, 0, &bytes[i], &error), &error);
    double started = clock_own_cpu_ms();
    for (size_t i = 0; i < count; i++) {
        must(sample_pack_decode(arena, bytes[i], (size_t)pg_result_int(rows, (int64_t)i, 1, 0), &packs[i],
                                &error),
             &error);
        samples += (int64_t)packs[i].count;
    }
    double decoded = clock_own_cpu_ms();
    for (size_t i = 0; i < count; i++)
        must(sample_pack_encode(arena, &packs[i], (size_t)pg_result_int(rows, (int64_t)i, 1, 0), &bytes[i],
                                &error),
             &error);
    double encoded = clock_own_cpu_ms();
    printf("  codec, samples of %d counters a CPU second: decoding %.1f M, encoding with its check %.1f M\n",
           SAMPLE_COUNTER_COUNT, (double)samples / (decoded - started) / 1e3,
           (double)samples / (encoded - decoded) / 1e3);
}

int
main(int argument_count, char **arguments)
{
    if (argument_count != 5) {
        fprintf(stderr, "usage: store_bench CONNECTION DATABASES DAYS PLAIN_DAYS\n");
        return 2;
    }
    Error error = {0};
    Bench bench = {.arena = arena_new("bench", (size_t)1 << 30),
                   .databases = (int)strtol(arguments[2], NULL, 10),
                   .days = (int)strtol(arguments[3], NULL, 10),
                   .plain_days = (int)strtol(arguments[4], NULL, 10),
                   .base_us = sample_time_floor(clock_wall_us(), SAMPLE_DAY_US) + SAMPLE_DAY_US};
    PgConnectOptions options = {.purpose = PG_PURPOSE_OWN, .statement_timeout_ms = 600000};
    int applied = 0;
    if (bench.databases < 1 || bench.databases > DATABASES_MOST || bench.days < 1 || bench.plain_days < 1) {
        fprintf(stderr, "store_bench: 1 to %d databases, a day at least\n", DATABASES_MOST);
        return 2;
    }
    must(pg_connection_open(arguments[1], &options, &bench.session, &error), &error);
    must(migration_run(bench.session, &applied, &error), &error);
    make_target(&bench);
    write_all(&bench);
    report_bytes(&bench);
    write_plain(&bench);
    write_arrays(&bench);
    write_plain_hours(&bench);
    report_ingest(&bench);
    report_codec(&bench);
    report_reads(&bench);
    printf("%d of %d bars met\n", bench.bars_met, bench.bars);
    pg_connection_close(bench.session);
    arena_free(bench.arena);
    return 0;
}
