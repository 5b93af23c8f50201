// SPDX-License-Identifier: PostgreSQL
/*
 * Samples in a real store: the decoder of the views agrees with ours, packing changes nothing that is shown,
 * no round is lost or counted twice whatever happens, old partitions go.
 */
#include "random_packs.h"
#include "rounds.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/sample_calls.h"
#include "store/sample_internal.h"
#include "store/sample_read.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGREEMENTS 100
#define STEP_US (10 * INT64_C(60000000))
#define CRASHES 8

/* Midnight three days ago. */
static int64_t
base_us(void)
{
    return sample_time_floor(clock_wall_us(), SAMPLE_DAY_US) - 3 * SAMPLE_DAY_US;
}

static void
write_rounds(StoreFixture *fixture, const SampleRound *rounds, size_t count)
{
    Error error = {0};
    assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
}

/* Two databases' rounds of 50 hours from base_us() on. */
static void
write_history(StoreFixture *fixture, int64_t target_id)
{
    for (int32_t database = 1; database <= ROUNDS_DATABASES; database++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", (size_t)256 << 20);
        size_t count = 0;
        SampleRound *rounds = rounds_make(arena, (uint64_t)database, target_id, database, base_us(),
                                          base_us() + 50 * SAMPLE_HOUR_US, STEP_US, &count);
        write_rounds(fixture, rounds, count);
    }
}

static SampleUpkeep
compact(StoreFixture *fixture, int64_t target_id, int64_t now_us)
{
    SampleUpkeep upkeep = {0};
    Error error = {0};
    assert_done(sample_compact(fixture->connection, target_id, now_us, &upkeep, &error), &error);
    return upkeep;
}

/* All that the contract's view shows of a target, as one hash. */
static const char *
shown(StoreFixture *fixture, int64_t target_id)
{
    return store_fixture_value(
        fixture,
        arena_printf(
            fixture->arena,
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(m::text, E'\\n' ORDER BY m::text)), '') "
            "FROM fettle.metrics_pg_stats_query m WHERE target_id = %lld",
            (long long)target_id));
}

/* All that our readers give of a target: series by steps, and the top. */
static uint64_t
read_hash(StoreFixture *fixture, int64_t target_id, int64_t step_ms)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("read", (size_t)1 << 30);
    SampleRange range = {.target_id = target_id,
                         .from_us = base_us() + 90 * INT64_C(60000000),
                         .to_us = base_us() + 49 * SAMPLE_HOUR_US + 7 * INT64_C(60000000),
                         .step_ms = step_ms};
    SampleSeries *series = NULL;
    SampleTotal *totals = NULL;
    size_t count = 0;
    size_t total_count = 0;
    Error error = {0};
    assert_done(sample_series_read(fixture->connection, arena, &range, &series, &count, &error), &error);
    assert_int_equal(count, ROUNDS_DATABASES * ROUNDS_STATEMENTS);
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < series[i].count; p++) {
            const SamplePoint *point = &series[i].points[p];
            uint64_t head[] = {(uint64_t)series[i].statement_id, (uint64_t)point->from_us,
                               (uint64_t)point->to_us, (uint64_t)(point->observed_seconds * 1000),
                               point->flags};
            hash = hash_combine(hash, hash_bytes(head, sizeof(head), 1));
            for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
                if (c != SAMPLE_EXEC_DEVIATION_US || step_ms == 0)
                    hash = hash_combine(hash, (uint64_t)point->counters[c]);
        }
    assert_done(
        sample_top_read(fixture->connection, arena, &range, SAMPLE_BY_IO, 7, &totals, &total_count, &error),
        &error);
    assert_int_equal(total_count, 7);
    for (size_t i = 0; i < total_count; i++)
        hash = hash_combine(hash, hash_combine((uint64_t)totals[i].query_hash,
                                               (uint64_t)totals[i].counters[SAMPLE_WAL_BYTES] +
                                                   (uint64_t)(totals[i].observed_seconds * 1000)));
    return hash;
}

static void
assert_sql_agrees(StoreFixture *fixture, Arena *arena, const SamplePack *pack, size_t limit)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    SampleBytes bytes;
    Error error = {0};
    assert_done(sample_pack_encode(arena, pack, limit, &bytes, &error), &error);
    const char *parameters[] = {sample_bytes_text(arena, bytes),
                                arena_strdup(arena, store_number((int64_t)limit).text)};
    PgQuery query = {.text = "SELECT * FROM fettle.sample_pack($1::bytea, $2::bigint)",
                     .parameters = parameters,
                     .parameter_count = 2};
    assert_done(pg_query(fixture->connection, &query, &rows, &error), &error);
    assert_int_equal(pg_result_rows(rows), pack->count);
    assert_int_equal(pg_result_columns(rows), SAMPLE_COUNTER_COUNT + 1);
    for (size_t i = 0; i < pack->count; i++) {
        assert_int_equal(pg_result_int(rows, (int64_t)i, 0, -1), pack->positions[i]);
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
            assert_int_equal(pg_result_int(rows, (int64_t)i, c + 1, -1),
                             pack->counters[c] == NULL ? 0 : pack->counters[c][i]);
    }
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        assert_string_equal(pg_result_column_name(rows, c + 1), sample_counter_name((SampleCounter)c));
}

static void
the_decoder_in_sql_agrees_with_ours(void **state)
{
    static const size_t limits[] = {1, 24, 240, 1440, SAMPLE_STATEMENTS_LIMIT};
    Random random = random_new(15);
    for (int round = 0; round < AGREEMENTS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("agreement", (size_t)64 << 20);
        size_t limit = limits[random_below(&random, FETTLE_COUNT_OF(limits))];
        SamplePack pack;
        random_pack(arena, &random, limit, 300, &pack);
        assert_sql_agrees(*state, arena, &pack, limit);
    }
}

static void
packing_changes_nothing_that_is_shown(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "packed");
    write_history(fixture, target_id);
    const char *before = shown(fixture, target_id);
    static const int64_t steps[] = {0, 600000, 3600000, 86400000};
    uint64_t hashes[FETTLE_COUNT_OF(steps)];
    for (size_t i = 0; i < FETTLE_COUNT_OF(steps); i++)
        hashes[i] = read_hash(fixture, target_id, steps[i]);
    /* Half of a day is packed, then the first day is added up, then everything. */
    static const int64_t hours[] = {14, 25, 90};
    for (size_t h = 0; h < FETTLE_COUNT_OF(hours); h++) {
        SampleUpkeep upkeep = compact(fixture, target_id, base_us() + hours[h] * SAMPLE_HOUR_US);
        assert_true(upkeep.blocks_written > 0);
        assert_int_equal(upkeep.days_written > 0, h > 0);
        assert_string_equal(shown(fixture, target_id), before);
        for (size_t i = 0; i < FETTLE_COUNT_OF(steps); i++)
            assert_true(read_hash(fixture, target_id, steps[i]) == hashes[i]);
    }
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_rounds"), "0");
    SampleUpkeep again = compact(fixture, target_id, base_us() + 90 * SAMPLE_HOUR_US);
    assert_int_equal(again.blocks_written + again.days_written, 0);
}

/* Arrivals by hour are the calls of the series. */
static void
assert_calls_agree(StoreFixture *fixture, Arena *arena, const SampleRange *range, const SampleSeries *series)
{
    SampleCallsList calls;
    Error error = {0};
    assert_done(sample_calls_read(fixture->connection, arena, range, &calls, &error), &error);
    assert_true(calls.count == 1 && calls.hours == 50 && calls.from_us == range->from_us);
    assert_int_equal(calls.items[0].query_hash, range->query_hash);
    for (size_t i = 0; i < series->count; i++) {
        size_t hour = (size_t)((series->points[i].from_us - range->from_us) / SAMPLE_HOUR_US);
        assert_true(calls.items[0].hours[hour] == (float)series->points[i].counters[SAMPLE_CALLS]);
    }
}

static void
hours_are_the_sums_that_sql_makes_of_the_view(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "hours");
    write_history(fixture, target_id);
    compact(fixture, target_id, base_us() + 40 * SAMPLE_HOUR_US);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hours", (size_t)256 << 20);
    SampleRange range = {.target_id = target_id,
                         .from_us = base_us(),
                         .to_us = base_us() + 50 * SAMPLE_HOUR_US,
                         .step_ms = 3600000,
                         .query_hash = 1004};
    SampleSeries *series = NULL;
    size_t count = 0;
    Error error = {0};
    assert_done(sample_series_read(fixture->connection, arena, &range, &series, &count, &error), &error);
    assert_int_equal(count, 1);
    assert_int_equal(series[0].count, 50);
    assert_calls_agree(fixture, arena, &range, &series[0]);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    PgQuery query = {
        .text = "SELECT (extract(epoch FROM date_trunc('hour', collected_at)) * 1000000)::bigint, "
                "sum(calls), sum(rows), "
                "round(sum(total_exec_time_ms) * 1000)::bigint, sum(local_blks_dirtied), sum(wal_bytes), "
                "sum(interval_seconds) FROM fettle.metrics_pg_stats_query "
                "WHERE target_id = $1::bigint AND query_hash = 1004 GROUP BY 1 ORDER BY 1",
        .parameters = (const char *const[]){target.text},
        .parameter_count = 1};
    assert_done(pg_query(fixture->connection, &query, &rows, &error), &error);
    for (int64_t i = 0; i < pg_result_rows(rows); i++) {
        const SamplePoint *point =
            &series[0].points[(pg_result_int(rows, i, 0, 0) - base_us()) / SAMPLE_HOUR_US];
        assert_int_equal(point->from_us, pg_result_int(rows, i, 0, 0));
        assert_int_equal(point->counters[SAMPLE_CALLS], pg_result_int(rows, i, 1, -1));
        assert_int_equal(point->counters[SAMPLE_ROWS], pg_result_int(rows, i, 2, -1));
        assert_int_equal(point->counters[SAMPLE_EXEC_US], pg_result_int(rows, i, 3, -1));
        assert_int_equal(point->counters[SAMPLE_LOCAL_DIRTIED], pg_result_int(rows, i, 4, -1));
        assert_int_equal(point->counters[SAMPLE_WAL_BYTES], pg_result_int(rows, i, 5, -1));
        assert_true(point->observed_seconds >= pg_result_double(rows, i, 6, 0));
    }
}

static void
a_round_that_is_repeated_adds_nothing(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", (size_t)64 << 20);
    int64_t target_id = rounds_target(fixture, "repeated");
    size_t count = 0;
    SampleRound *rounds =
        rounds_make(arena, 5, target_id, 1, base_us(), base_us() + 10 * SAMPLE_HOUR_US, STEP_US, &count);
    write_rounds(fixture, rounds, count / 2);
    write_rounds(fixture, rounds, count);
    const char *before = shown(fixture, target_id);
    /* In the journal, half packed, all packed. */
    for (int64_t hour = 0; hour <= 30; hour += 10) {
        compact(fixture, target_id, base_us() + hour * SAMPLE_HOUR_US);
        write_rounds(fixture, rounds, count);
        assert_string_equal(shown(fixture, target_id), before);
    }
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_rounds"), "0");
    /* New ones take the short way, and are repeated too. */
    rounds =
        rounds_make(arena, 6, target_id, 1, clock_wall_us() - STEP_US, clock_wall_us(), STEP_US / 5, &count);
    write_rounds(fixture, rounds, count);
    before = shown(fixture, target_id);
    write_rounds(fixture, rounds, count);
    assert_string_equal(shown(fixture, target_id), before);
}

static void
a_round_that_comes_late_is_not_lost(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", (size_t)64 << 20);
    int64_t target_id = rounds_target(fixture, "late");
    int64_t twin_id = rounds_target(fixture, "in time");
    size_t count = 0;
    SampleRound *rounds =
        rounds_make(arena, 7, twin_id, 2, base_us(), base_us() + 30 * SAMPLE_HOUR_US, STEP_US, &count);
    write_rounds(fixture, rounds, count);
    int64_t end_us = base_us() + 72 * SAMPLE_HOUR_US;
    compact(fixture, twin_id, end_us);
    for (size_t i = 0; i < count; i++)
        rounds[i].target_id = target_id;
    /* Every third one late, some of them in windows where nothing was before. */
    SampleRound *late = ARENA_NEW_ARRAY(arena, SampleRound, count);
    SampleRound *timely = ARENA_NEW_ARRAY(arena, SampleRound, count);
    size_t late_count = 0;
    size_t timely_count = 0;
    for (size_t i = 0; i < count; i++)
        if (i % 3 == 0 || i > 3 * count / 4)
            late[late_count++] = rounds[i];
        else
            timely[timely_count++] = rounds[i];
    write_rounds(fixture, timely, timely_count);
    compact(fixture, target_id, end_us);
    write_rounds(fixture, late, late_count);
    const char *unpacked = shown(fixture, target_id);
    compact(fixture, target_id, end_us);
    assert_string_equal(shown(fixture, target_id), unpacked);
    static const char *const tables[][2] = {{"sample_blocks", "starts_at"}, {"sample_days", "day"}};
    for (size_t t = 0; t < FETTLE_COUNT_OF(tables); t++) {
        char sql[1024];
        snprintf(sql, sizeof(sql),
                 "SELECT (SELECT md5(string_agg(concat_ws(' ', statement_id, %s, data), ',' ORDER BY "
                 "statement_id, %s)) "
                 "FROM fettle.%s WHERE target_id = %lld) = (SELECT md5(string_agg(concat_ws(' ', "
                 "statement_id, %s, data), ',' "
                 "ORDER BY statement_id, %s)) FROM fettle.%s WHERE target_id = %lld)",
                 tables[t][1], tables[t][1], tables[t][0], (long long)target_id, tables[t][1], tables[t][1],
                 tables[t][0], (long long)twin_id);
        assert_string_equal(store_fixture_value(fixture, sql), "t");
    }
}

static void
a_round_older_than_its_days_blocks_is_let_go(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", (size_t)64 << 20);
    int64_t target_id = rounds_target(fixture, "old");
    size_t count = 0;
    SampleRound *rounds =
        rounds_make(arena, 8, target_id, 1, base_us(), base_us() + 24 * SAMPLE_HOUR_US, STEP_US, &count);
    write_rounds(fixture, rounds + 1, count - 1);
    compact(fixture, target_id, base_us() + 30 * SAMPLE_HOUR_US);
    SampleUpkeep upkeep = {0};
    Error error = {0};
    assert_done(sample_partitions_keep(fixture->connection, base_us() + 3 * SAMPLE_DAY_US, 86400000,
                                       365 * INT64_C(86400000), &upkeep, &error),
                &error);
    assert_true(upkeep.partitions_dropped >= 2);
    uint64_t days =
        strtoull(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_days"), NULL, 10);
    assert_int_equal(days, ROUNDS_STATEMENTS);
    write_rounds(fixture, rounds, 1);
    compact(fixture, target_id, base_us() + 30 * SAMPLE_HOUR_US);
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_days"), "12");
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_rounds"), "0");
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_blocks"), "0");
}

/* Reads the top with and without the cache: it must be the same in everything. */
static int64_t
assert_cache_is_right(StoreFixture *fixture, SampleRange range, SampleCache *cache, SampleOrder order)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("tops", (size_t)64 << 20);
    SampleTotal *totals[2];
    size_t counts[2];
    Error error = {0};
    for (int cached = 0; cached < 2; cached++) {
        range.cache = cached == 1 ? cache : NULL;
        assert_done(sample_top_read(fixture->connection, arena, &range, order, 9, &totals[cached],
                                    &counts[cached], &error),
                    &error);
    }
    assert_int_equal(counts[0], counts[1]);
    int64_t calls = 0;
    for (size_t i = 0; i < counts[0]; i++) {
        const SampleTotal *read = &totals[0][i];
        const SampleTotal *found = &totals[1][i];
        assert_int_equal(found->query_hash, read->query_hash);
        assert_int_equal(found->queryid, read->queryid);
        assert_string_equal(found->database_name, read->database_name);
        assert_true(found->observed_seconds == read->observed_seconds);
        assert_int_equal(found->last_seen_us, read->last_seen_us);
        assert_memory_equal(found->counters, read->counters, sizeof(read->counters));
        calls += read->counters[SAMPLE_CALLS];
    }
    return calls;
}

static void
a_cached_top_is_the_one_that_reading_makes_whatever_was_written_meanwhile(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", (size_t)64 << 20);
    SampleCache *cache = sample_cache_new();
    int64_t target_id = rounds_target(fixture, "cached");
    size_t count = 0;
    SampleRound *rounds =
        rounds_make(arena, 5, target_id, 1, base_us(), base_us() + 40 * SAMPLE_HOUR_US, STEP_US, &count);
    SampleRange range = {.target_id = target_id,
                         .from_us = base_us() + 5 * STEP_US,
                         .to_us = base_us() + 40 * SAMPLE_HOUR_US - STEP_US / 2};
    write_rounds(fixture, rounds, count / 2);
    int64_t calls = assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME);
    assert_int_equal(sample_cache_hits(cache), 0);
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), calls);
    assert_int_equal(sample_cache_hits(cache), 1);
    /* other bounds with the same rounds between them; another order; a database */
    range.to_us++;
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), calls);
    assert_int_equal(sample_cache_hits(cache), 2);
    (void)assert_cache_is_right(fixture, range, cache, SAMPLE_BY_WAL);
    range.database_name = "blog";
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), 0);
    range.database_name = NULL;
    assert_int_equal(sample_cache_hits(cache), 2);
    write_rounds(fixture, rounds + count / 2, count / 4);
    int64_t more = assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME);
    assert_true(more > calls);
    compact(fixture, target_id, base_us() + 72 * SAMPLE_HOUR_US);
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), more);
    int64_t hits = sample_cache_hits(cache);
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), more);
    assert_int_equal(sample_cache_hits(cache), hits + 1);
    /* into days that are added up, and added up anew */
    write_rounds(fixture, rounds + count * 3 / 4, count - count * 3 / 4);
    int64_t all = assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME);
    assert_true(all > more);
    compact(fixture, target_id, base_us() + 72 * SAMPLE_HOUR_US);
    assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_TIME), all);
    sample_cache_free(cache);
}

static void
a_top_with_rows_by_hand_is_always_read(void **state)
{
    StoreFixture *fixture = *state;
    SampleCache *cache = sample_cache_new();
    int64_t target_id = rounds_target(fixture, "cached by hand");
    SampleRange range = {
        .target_id = target_id, .from_us = base_us(), .to_us = base_us() + 40 * SAMPLE_HOUR_US};
    for (int calls = 7; calls <= 9; calls++) {
        char sql[512];
        snprintf(sql, sizeof(sql),
                 "INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, "
                 "database_name, query_hash, calls) VALUES (%lld, to_timestamp(%lld), 60, 'shop', 1001, %d)",
                 (long long)target_id, (long long)(base_us() / 1000000 + 3600), calls);
        Error error = {0};
        assert_done(pg_execute(fixture->connection, sql, &error), &error);
        assert_int_equal(assert_cache_is_right(fixture, range, cache, SAMPLE_BY_CALLS), calls);
    }
    assert_int_equal(sample_cache_hits(cache), 0);
    sample_cache_free(cache);
}

static void
partitions_are_made_ahead_and_dropped_by_retention(void **state)
{
    StoreFixture *fixture = *state;
    int64_t now_us = base_us() + 1000 * SAMPLE_DAY_US;
    SampleUpkeep upkeep = {0};
    Error error = {0};
    assert_done(sample_partitions_keep(fixture->connection, now_us, 30 * INT64_C(86400000),
                                       365 * INT64_C(86400000), &upkeep, &error),
                &error);
    assert_true(upkeep.partitions_made >= 20 && upkeep.partitions_dropped > 0);
    static const char sql[] = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class "
                              "WHERE relname ~ '^sample_blocks_[0-9]+$' AND relkind = 'r'";
    int64_t day_us = sample_time_floor(now_us, SAMPLE_DAY_US);
    Text expected = text_new(fixture->arena);
    for (int64_t ahead = 0; ahead <= 3; ahead++) {
        const char *day = sample_time_text(day_us + ahead * SAMPLE_DAY_US).text;
        text_append_format(&expected, "%ssample_blocks_%.4s%.2s%.2s", ahead == 0 ? "" : " ", day, day + 5,
                           day + 8);
    }
    assert_string_equal(store_fixture_value(fixture, sql), expected.data);
    upkeep = (SampleUpkeep){0};
    assert_done(sample_partitions_keep(fixture->connection, now_us, 30 * INT64_C(86400000),
                                       365 * INT64_C(86400000), &upkeep, &error),
                &error);
    assert_int_equal(upkeep.partitions_made + upkeep.partitions_dropped, 0);
}

static void
fixture_rows_are_samples_like_others(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = strtoll(
        store_fixture_value(
            fixture, "INSERT INTO fettle.targets (name, conninfo) VALUES ('loader', '') RETURNING target_id"),
        NULL, 10);
    static const char load[] =
        "INSERT INTO fettle.metrics_pg_stats_query (collected_at, interval_seconds, database_name, "
        "query_hash, query_text, "
        "calls, rows, mean_exec_time_ms, p95_exec_time_ms) VALUES "
        "(now() - interval '2 hours', 3600, 'testdb', 1001, 'SELECT * FROM users WHERE id = ?', 500, 500, "
        "100, 110), "
        "(now() - interval '2 hours', 3600, 'testdb', 1003, 'SELECT 1', 250, 50000, 200, NULL)";
    assert_done(pg_execute(fixture->connection, load, &error), &error);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT concat_ws('|', database_name, calls, mean_exec_time_ms, rows, "
                                     "rows_per_call, calls_per_hour, p95_exec_time_ms, query_text) FROM "
                                     "fettle.v_query_latest WHERE query_hash = 1001"),
        "testdb|500|100|500|1|500|110|SELECT * FROM users WHERE id = ?");
    /* A later sample of the same hash. */
    assert_done(
        pg_execute(
            fixture->connection,
            "INSERT INTO fettle.metrics_pg_stats_query (collected_at, interval_seconds, database_name, "
            "query_hash, calls, rows, mean_exec_time_ms) VALUES (now() - interval '1 hour', 3600, 'testdb', "
            "1001, 100, 100, 40)",
            &error),
        &error);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT concat_ws('|', calls, mean_exec_time_ms, calls_per_hour) FROM "
                                     "fettle.v_query_latest WHERE query_hash = 1001"),
        "600|90|300");
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT concat_ws('|', count(*), sum(total_time), max(query_exec_time)) FROM "
                            "fettle.v_metrics_pg_stats_query WHERE query_hash = 1001 AND mean_time >= 40"),
        "2|54000|50000");
    /* The same sample again takes the place of the first. */
    assert_done(
        pg_execute(
            fixture->connection,
            "INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, "
            "database_name, "
            "query_hash, calls, mean_exec_time_ms) SELECT target_id, collected_at, interval_seconds, "
            "database_name, query_hash, 7, 1 FROM fettle.metrics_pg_stats_query WHERE query_hash = 1003",
            &error),
        &error);
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT concat_ws('|', count(*), sum(calls)) FROM fettle.metrics_pg_stats_query "
                            "WHERE query_hash = 1003"),
        "1|7");
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("top", (size_t)64 << 20);
    SampleRange range = {
        .target_id = target_id, .from_us = clock_wall_us() - SAMPLE_DAY_US, .to_us = clock_wall_us()};
    SampleTotal *totals = NULL;
    SampleSeries *series = NULL;
    size_t count = 0;
    assert_done(
        sample_top_read(fixture->connection, arena, &range, SAMPLE_BY_TIME, 10, &totals, &count, &error),
        &error);
    assert_int_equal(count, 2);
    assert_int_equal(totals[0].query_hash, 1001);
    assert_int_equal(totals[0].counters[SAMPLE_EXEC_US], 54000000);
    assert_string_equal(totals[0].database_name, "testdb");
    assert_true(totals[0].observed_seconds == 7200);
    range.query_hash = 1001;
    assert_done(sample_series_read(fixture->connection, arena, &range, &series, &count, &error), &error);
    assert_int_equal(count, 1);
    assert_int_equal(series[0].count, 2);
    assert_int_equal(series[0].points[1].counters[SAMPLE_CALLS], 100);
}

static void
rows_without_what_is_needed_are_refused(void **state)
{
    StoreFixture *fixture = *state;
    static const char *const values[] = {
        "now(), 60, 'db', 0, 1",    "now(), 60, 'db', -5, 1", "now(), 60, NULL, 5, 1",
        "now(), NULL, 'db', 5, 1",  "now(), 0, 'db', 5, 1",   "now(), 60, 'db', 5, -1",
        "now(), 60, 'db', 5, NULL",
    };
    rounds_target(fixture, "one");
    for (size_t i = 0; i < FETTLE_COUNT_OF(values); i++) {
        Error error = {0};
        assert_false(pg_execute(
            fixture->connection,
            arena_printf(fixture->arena,
                         "INSERT INTO fettle.metrics_pg_stats_query (collected_at, interval_seconds, "
                         "database_name, query_hash, calls) VALUES (%s)",
                         values[i]),
            &error));
        assert_true(strncmp(error.sqlstate, "23", 2) == 0);
    }
    rounds_target(fixture, "two");
    Error error = {0};
    assert_false(pg_execute(
        fixture->connection,
        "INSERT INTO fettle.metrics_pg_stats_query (interval_seconds, database_name, query_hash, calls) "
        "VALUES (60, 'db', 5, 1)",
        &error));
    assert_non_null(strstr(error.message, "target_id is needed"));
}

static void
ranges_that_make_no_sense_or_are_too_long_are_refused(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("ranges", (size_t)64 << 20);
    int64_t target_id = rounds_target(fixture, "ranges");
    write_history(fixture, target_id);
    const struct {
        SampleRange range;
        ErrorCode code;
    } cases[] = {
        {{.target_id = 0, .from_us = 0, .to_us = 1}, ERROR_INPUT},
        {{.target_id = target_id, .from_us = 5, .to_us = 5}, ERROR_INPUT},
        {{.target_id = target_id, .from_us = 0, .to_us = 5, .step_ms = -1}, ERROR_INPUT},
        {{.target_id = target_id, .from_us = 0, .to_us = INT64_MAX}, ERROR_INPUT},
        {{.target_id = target_id, .from_us = INT64_MIN, .to_us = 0}, ERROR_INPUT},
        {{.target_id = target_id, .from_us = 0, .to_us = base_us(), .step_ms = 1}, ERROR_LIMIT},
        {{.target_id = target_id,
          .from_us = base_us(),
          .to_us = base_us() + SAMPLE_DAY_US,
          .points_most = 10},
         ERROR_LIMIT},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        SampleSeries *series = NULL;
        size_t count = 0;
        Error error = {0};
        assert_false(
            sample_series_read(fixture->connection, arena, &cases[i].range, &series, &count, &error));
        assert_int_equal(error.code, cases[i].code);
        assert_false(pg_connection_is_in_transaction(fixture->connection));
    }
    SampleTotal *totals = NULL;
    size_t count = 0;
    Error error = {0};
    SampleRange range = {.target_id = target_id, .from_us = 0, .to_us = base_us()};
    assert_false(
        sample_top_read(fixture->connection, arena, &range, SAMPLE_BY_TIME, 0, &totals, &count, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

static void
damaged_bytes_in_the_store_are_an_error(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("damaged", (size_t)64 << 20);
    int64_t target_id = rounds_target(fixture, "damaged");
    write_history(fixture, target_id);
    compact(fixture, target_id, base_us() + 20 * SAMPLE_HOUR_US);
    Error error = {0};
    assert_done(pg_execute(fixture->connection,
                           "UPDATE fettle.sample_blocks SET data = '\\x0107' WHERE statement_id = 3 AND "
                           "starts_at = (SELECT min(starts_at) FROM fettle.sample_blocks)",
                           &error),
                &error);
    SampleRange range = {.target_id = target_id, .from_us = base_us(), .to_us = base_us() + SAMPLE_DAY_US};
    SampleSeries *series = NULL;
    size_t count = 0;
    assert_false(sample_series_read(fixture->connection, arena, &range, &series, &count, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
    /* A condition on time spares the view the decoding of the blocks before it, the damaged one among them.
     */
    static const char *const views[] = {
        "SELECT count(*) > 0 FROM fettle.metrics_pg_stats_query WHERE target_id = %lld AND collected_at >= "
        "'%s'",
        "SELECT count(*) > 0 FROM fettle.samples(%lld, '%s', now())",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(views); i++) {
        char sql[512];
        error = (Error){0};
        snprintf(sql, sizeof(sql), views[i], (long long)target_id, sample_time_text(base_us()).text);
        assert_false(pg_execute(fixture->connection, sql, &error));
        assert_non_null(strstr(error.message, "damaged"));
        snprintf(sql, sizeof(sql), views[i], (long long)target_id,
                 sample_time_text(base_us() + 16 * SAMPLE_HOUR_US).text);
        assert_string_equal(store_fixture_value(fixture, sql), "t");
    }
    /* What is left of it is not added up, and the blocks stay. */
    SampleUpkeep upkeep = {0};
    error = (Error){0};
    assert_false(
        sample_compact(fixture->connection, target_id, base_us() + 90 * SAMPLE_HOUR_US, &upkeep, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
    assert_false(pg_connection_is_in_transaction(fixture->connection));
}

typedef struct Packing {
    StoreFixture *fixture;
    int64_t target_id;
    StoreSession session;
} Packing;

static void *
packing_run(void *argument)
{
    Packing *packing = argument;
    SampleUpkeep upkeep = {0};
    Error ignored = {0};
    if (!sample_compact(packing->session.connection, packing->target_id, base_us() + 90 * SAMPLE_HOUR_US,
                        &upkeep, &ignored))
        return packing;
    return NULL;
}

/* Waits until the store takes sessions again after its crash. */
static void
fixture_reconnect(StoreFixture *fixture)
{
    Deadline deadline = deadline_after_ms(60000);
    Error witness = {0};
    /* The crash ends every session; ours tells when it has come. */
    while (pg_execute(fixture->connection, "SELECT 1", &witness) && !deadline_passed(deadline))
        usleep(5000);
    assert_true(pg_connection_is_broken(fixture->connection));
    store_session_close_at(&fixture->session);
    for (;;) {
        Error error = {0};
        if (store_recover(fixture->store, &error) &&
            store_session_take(fixture->store, deadline, &fixture->session, &error) &&
            pg_execute(fixture->session.connection, "SELECT 1", &error))
            break;
        store_session_close_at(&fixture->session);
        if (deadline_passed(deadline))
            fail_msg("the store did not come back: %s", error.message);
        usleep(20000);
    }
    fixture->connection = fixture->session.connection;
}

/* The parent of a backend. */
static pid_t
postmaster_of(StoreFixture *fixture, pid_t backend)
{
    char *text = NULL;
    size_t size = 0;
    Error error = {0};
    const char *path = arena_printf(fixture->arena, "/proc/%d/stat", (int)backend);
    assert_done(file_read(fixture->arena, path, 4096, &text, &size, &error), &error);
    const char *after_name = strrchr(text, ')');
    assert_non_null(after_name);
    pid_t parent = (pid_t)strtol(after_name + strlen(") S "), NULL, 10);
    assert_true(parent > 1 && parent != getpid());
    return parent;
}

static void
a_crash_in_the_middle_of_packing_loses_and_doubles_nothing(void **state)
{
    StoreFixture *fixture = *state;
    Random random = random_new((uint64_t)clock_wall_us());
    int64_t target_id = rounds_target(fixture, "crashed");
    write_history(fixture, target_id);
    const char *before = shown(fixture, target_id);
    uint64_t hash = read_hash(fixture, target_id, 3600000);
    int interrupted = 0;
    for (int crash = 0; crash < CRASHES; crash++) {
        Packing packing = {.fixture = fixture, .target_id = target_id};
        pthread_t thread;
        void *was_cut = NULL;
        Error error = {0};
        assert_done(store_session_take(fixture->store, 0, &packing.session, &error), &error);
        pid_t backend = pg_connection_backend_pid(packing.session.connection);
        pid_t postmaster = postmaster_of(fixture, backend);
        assert_int_equal(pthread_create(&thread, NULL, packing_run, &packing), 0);
        usleep((useconds_t)random_below(&random, 60000));
        kill(crash % 4 == 3 ? postmaster : backend, SIGKILL);
        assert_int_equal(pthread_join(thread, &was_cut), 0);
        interrupted += was_cut != NULL;
        store_session_close_at(&packing.session);
        fixture_reconnect(fixture);
        assert_string_equal(shown(fixture, target_id), before);
    }
    assert_true(interrupted > 0);
    compact(fixture, target_id, base_us() + 90 * SAMPLE_HOUR_US);
    assert_string_equal(shown(fixture, target_id), before);
    assert_true(read_hash(fixture, target_id, 3600000) == hash);
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.sample_rounds"), "0");
}

static int
clear(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(
        pg_execute_script(
            fixture->connection,
            "TRUNCATE fettle.sample_rounds, fettle.sample_times, fettle.sample_blocks, "
            "fettle.sample_days, fettle.sample_day_times, fettle.sample_days_open, fettle.sample_rows, "
            "fettle.statements",
            NULL, &error),
        &error);
    return store_fixture_clear(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_decoder_in_sql_agrees_with_ours, clear),
        cmocka_unit_test_setup(packing_changes_nothing_that_is_shown, clear),
        cmocka_unit_test_setup(hours_are_the_sums_that_sql_makes_of_the_view, clear),
        cmocka_unit_test_setup(a_round_that_is_repeated_adds_nothing, clear),
        cmocka_unit_test_setup(a_round_that_comes_late_is_not_lost, clear),
        cmocka_unit_test_setup(a_round_older_than_its_days_blocks_is_let_go, clear),
        cmocka_unit_test_setup(fixture_rows_are_samples_like_others, clear),
        cmocka_unit_test_setup(rows_without_what_is_needed_are_refused, clear),
        cmocka_unit_test_setup(ranges_that_make_no_sense_or_are_too_long_are_refused, clear),
        cmocka_unit_test_setup(damaged_bytes_in_the_store_are_an_error, clear),
        cmocka_unit_test_setup(a_crash_in_the_middle_of_packing_loses_and_doubles_nothing, clear),
        cmocka_unit_test_setup(a_cached_top_is_the_one_that_reading_makes_whatever_was_written_meanwhile,
                               clear),
        cmocka_unit_test_setup(a_top_with_rows_by_hand_is_always_read, clear),
        cmocka_unit_test_setup(partitions_are_made_ahead_and_dropped_by_retention, clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
