// SPDX-License-Identifier: PostgreSQL
/*
 * Patterns in a real store: the rule in SQL agrees with the one in C, hours are counted once wherever their
 * samples are, patterns are refreshed.
 */
#include "../store/rounds.h"

#include "base/clock.h"
#include "base/text.h"
#include "pg/result.h"
#include "store/sample_internal.h"
#include "workload/pattern.h"
#include "workload/refresh.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES ((size_t)512 << 20)
#define STEP_US (10 * INT64_C(60000000))
#define SERIES 40
#define HOURS_MOST (200 * 24)

/* A load with some of all that the rule knows: bands, weekdays, days of month, slow hours, gaps. */
static HourlySeries
random_series(Arena *arena, Random *random)
{
    size_t count = (7 + random_below(random, 150)) * 24 + random_below(random, 24);
    HourlySeries series = series_new(arena, 490000 + (int64_t)random_below(random, 1000), count);
    uint64_t first = random_below(random, 24);
    uint64_t length = random_below(random, 12);
    uint64_t kind = random_below(random, 4); /* which days are busy */
    double noise = random_unit(random) * 0.3;
    double calls_factor = random_below(random, 3) == 0 ? 1 : 1 + random_unit(random) * 10;
    double time_factor = random_below(random, 2) == 0 ? 1 : 1 + random_unit(random) * 20;
    bool is_unsteady = random_below(random, 3) == 0;
    double gaps = random_below(random, 3) == 0 ? 0.2 : 0;
    for (size_t i = 0; i < count; i++) {
        SeriesDate date = series_date(series.from_hour + (int64_t)i);
        bool is_day = kind == 0 || (kind == 1 && date.weekday >= 1 && date.weekday <= 5) ||
                      (kind == 2 && date.weekday == 2) || (kind == 3 && date.day_of_month <= 2);
        bool is_busy = is_day && ((uint64_t)date.hour + 24 - first) % 24 < length;
        double calls = 1000 * (is_busy ? calls_factor : 1) * (1 + noise * random_normal(random));
        if (is_busy && is_unsteady)
            calls *= date.day % 3 == 0 ? 4 : 0.1;
        double time_ms = 20 * (is_busy ? time_factor : 1) * (1 + noise * random_normal(random));
        if (random_unit(random) < gaps)
            continue;
        series.calls[i] = floor(fmax(0, calls));
        series.time_ms[i] = fmax(0, time_ms);
    }
    return series;
}

static const char *
array_text(Arena *arena, const double *values, size_t count)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%c%.17g", i == 0 ? '{' : ',', values[i]);
    text_append_char(&text, '}');
    return text.data;
}

static int
compare_patterns(const void *left, const void *right)
{
    const Pattern *a = left;
    const Pattern *b = right;
    int order = strcmp(pattern_type_word(a->type), pattern_type_word(b->type));
    return order != 0 ? order : strcmp(a->key, b->key);
}

/* The number of a field of SQL's metadata is C's, and no field of either is missing in the other. */
static void
assert_metadata_agrees(StoreFixture *fixture, Arena *arena, const char *ours, const char *theirs)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Error error = {0};
    const char *parameters[] = {ours, theirs};
    PgQuery query = {
        .text = "SELECT coalesce(a.key, b.key), a.value, b.value FROM jsonb_each_text($1::jsonb) a "
                "FULL JOIN jsonb_each_text($2::jsonb) b ON b.key = a.key "
                "WHERE a.value IS DISTINCT FROM b.value AND NOT coalesce(a.key IN ('variance', 'confidence', "
                "'z_score_count', 'z_score_time', 'consistency_score', 'recurrence_score', 'effect_ratio', "
                "'p_value') "
                "AND abs(a.value::float8 - b.value::float8) <= 1e-9 + 1e-7 * abs(a.value::float8), false)",
        .parameters = parameters,
        .parameter_count = 2};
    assert_done(pg_query(fixture->connection, &query, &rows, &error), &error);
    if (pg_result_rows(rows) > 0)
        fail_msg("%s: %s in C, %s in SQL", pg_result_text(rows, 0, 0), pg_result_text(rows, 0, 1),
                 pg_result_text(rows, 0, 2));
    (void)arena;
}

static size_t
assert_rules_agree(StoreFixture *fixture, const HourlySeries *series)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("agreement", ARENA_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Error error = {0};
    double *hours = ARENA_NEW_ARRAY(arena, double, series->count);
    for (size_t i = 0; i < series->count; i++)
        hours[i] = (double)(series->from_hour + (int64_t)i);
    const char *parameters[] = {array_text(arena, hours, series->count),
                                array_text(arena, series->calls, series->count),
                                array_text(arena, series->time_ms, series->count)};
    PgQuery query = {
        .text = "SELECT * FROM fettle.workload_patterns_of($1::bigint[], $2::float8[], $3::float8[]) "
                "ORDER BY pattern_type COLLATE \"C\", pattern_key COLLATE \"C\"",
        .parameters = parameters,
        .parameter_count = 3};
    assert_done(pg_query(fixture->connection, &query, &rows, &error), &error);
    PatternList patterns;
    pattern_detect(arena, series, &patterns);
    if (patterns.count > 0)
        qsort(patterns.items, patterns.count, sizeof(*patterns.items), compare_patterns);
    for (size_t i = 0; i < patterns.count && (int64_t)i < pg_result_rows(rows); i++) {
        const Pattern *pattern = &patterns.items[i];
        assert_string_equal(pg_result_text(rows, (int64_t)i, 0), pattern_type_word(pattern->type));
        assert_string_equal(pg_result_text(rows, (int64_t)i, 1), pattern->key);
        assert_metadata_agrees(fixture, arena, pattern_metadata(arena, pattern),
                               pg_result_text(rows, (int64_t)i, 2));
        assert_string_equal(pg_result_text(rows, (int64_t)i, 3), pattern_description(arena, pattern));
    }
    assert_int_equal(pg_result_rows(rows), patterns.count);
    return patterns.count;
}

static void
the_rule_in_sql_agrees_with_the_one_in_c(void **state)
{
    Random random = random_new(5);
    size_t with_patterns = 0;
    for (int i = 0; i < SERIES; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("series", ARENA_BYTES);
        HourlySeries series = random_series(arena, &random);
        with_patterns += assert_rules_agree(*state, &series) > 0;
    }
    assert_true(with_patterns > SERIES / 4 && with_patterns < SERIES);
}

static void
the_tail_of_t_in_sql_agrees_with_the_one_in_c(void **state)
{
    StoreFixture *fixture = *state;
    /* printed values and closed forms, as in the test of distribution.c */
    assert_string_equal(
        store_fixture_value(fixture,
                            "SELECT bool_and(abs(fettle.student_upper(t, freedom) / tail - 1) < 1e-6) FROM "
                            "(VALUES (6.313752, 1, 0.05), (6.964557, 2, 0.01), (1.812461, 10, 0.05), "
                            "(2.462021, 29, 0.01), (2.357825, 120, 0.01), "
                            "(1000, 2, 1 / (1000002 * (1 + 1000 / sqrt(1000002))))) v(t, freedom, tail)"),
        "t");
}

/* What a statement did in the fixture P1.1: hourly, 30 days until now. */
static int64_t
insert_fixture(StoreFixture *fixture, const char *target)
{
    int64_t target_id = rounds_target(fixture, target);
    Error error = {0};
    const char *sql =
        arena_printf(fixture->arena,
                     "INSERT INTO fettle.metrics_pg_stats_query (target_id, collected_at, interval_seconds, "
                     "database_name, "
                     "query_hash, calls, mean_exec_time_ms, \"rows\") SELECT %lld, h, 3600, 'testdb', 1, "
                     "CASE WHEN busy THEN 500 ELSE 50 END, CASE WHEN busy THEN 250 ELSE 50 END, 10 "
                     "FROM generate_series(now() - interval '30 days', now(), interval '1 hour') h, "
                     "LATERAL (SELECT extract(hour FROM h AT TIME ZONE 'UTC') = 8 AS busy) b",
                     (long long)target_id);
    assert_done(pg_execute(fixture->connection, sql, &error), &error);
    return target_id;
}

static size_t
refresh(StoreFixture *fixture, int64_t target_id, const char *database)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("refresh", ARENA_BYTES);
    PatternRefresh what = {.target_ids = &target_id,
                           .target_count = 1,
                           .database_name = database,
                           .lookback_days = 30,
                           .now_us = clock_wall_us()};
    WorkloadPatterns found;
    Error error = {0};
    assert_done(pattern_refresh_find(fixture->connection, arena, &what, &found, &error), &error);
    assert_done(pattern_refresh_keep(fixture->connection, &what, &found, &error), &error);
    return found.count;
}

static const char *
kept(StoreFixture *fixture)
{
    return store_fixture_value(
        fixture, "SELECT string_agg(concat_ws(' ', id, target_id, database_name, pattern_type, pattern_key, "
                 "(pattern_metadata ->> 'confidence')::real, pattern_metadata ->> 'affected_queries', "
                 "affected_query_count, description), '; ' ORDER BY id) FROM fettle.workload_patterns");
}

static void
patterns_are_refreshed_and_not_doubled_by_c_and_by_sql(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = insert_fixture(fixture, "patterns");
    assert_int_equal(refresh(fixture, target_id, "testdb"), 1);
    const char *first = kept(fixture);
    assert_non_null(strstr(first, " testdb hourly_peak h08 0.9"));
    assert_non_null(strstr(first, " 500 500 Peak load detected at hour 8 UTC (93% confidence)"));
    assert_int_equal(refresh(fixture, target_id, NULL), 1);
    assert_string_equal(kept(fixture), first);
    assert_string_equal(store_fixture_value(fixture, "SELECT concat_ws(' ', count(*), min(pattern_type), "
                                                     "min(confidence) BETWEEN .925 AND .935) "
                                                     "FROM fettle.detect_workload_patterns('testdb', 30)"),
                        "1 hourly_peak t");
    assert_string_equal(kept(fixture), first);
}

static void
what_is_not_found_any_more_goes(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target_id = insert_fixture(fixture, "stale");
    assert_done(pg_execute(fixture->connection,
                           "INSERT INTO fettle.workload_patterns (database_name, pattern_type, pattern_key, "
                           "pattern_metadata) SELECT d, 'hourly_peak', 'h03', '{}' "
                           "FROM unnest(ARRAY['testdb', 'gone']) d",
                           &error),
                &error);
    assert_int_equal(refresh(fixture, target_id, "testdb"), 1);
    assert_string_equal(store_fixture_value(fixture,
                                            "SELECT string_agg(database_name || pattern_key, ' ' ORDER "
                                            "BY database_name) FROM fettle.workload_patterns"),
                        "goneh03 testdbh08");
    assert_done(
        pg_execute(fixture->connection,
                   "UPDATE fettle.workload_patterns SET pattern_key = 'h07' WHERE database_name = 'testdb'",
                   &error),
        &error);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT count(*) FROM fettle.detect_workload_patterns('testdb')"), "1");
    assert_int_equal(refresh(fixture, target_id, NULL), 1);
    assert_string_equal(
        store_fixture_value(fixture, "SELECT string_agg(pattern_key, ' ') FROM fettle.workload_patterns"),
        "h08");
}

static void
too_short_a_time_and_unknown_databases_are_told_apart_in_sql(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    insert_fixture(fixture, "input");
    assert_false(
        pg_execute(fixture->connection, "SELECT fettle.detect_workload_patterns('testdb', 6)", &error));
    assert_non_null(strstr(error.message, "lookback_days must be at least 7"));
    assert_false(pg_execute(fixture->connection, "SELECT fettle.detect_workload_patterns('')", &error));
    assert_string_equal(
        store_fixture_value(fixture, "SELECT count(*) FROM fettle.detect_workload_patterns('nowhere')"), "0");
    assert_string_equal(
        store_fixture_value(fixture, "SELECT count(*) FROM fettle.detect_workload_patterns('testdb', 400)"),
        "1");
}

/* What C reads and what fettle.database_hours() shows, as one text each. */
static const char *
hours_by_c(StoreFixture *fixture, const DatabaseHoursRange *range)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hours", ARENA_BYTES);
    DatabaseHours *databases;
    size_t count;
    Error error = {0};
    Text text = text_new(fixture->arena);
    assert_done(database_hours_read(fixture->connection, arena, range, &databases, &count, &error), &error);
    for (size_t i = 0; i < count; i++)
        for (int64_t h = 0; h < (range->to_us - range->from_us) / SAMPLE_HOUR_US; h++)
            if (databases[i].hours[h].observed_ms > 0)
                text_append_format(&text, "%s %lld %lld %lld %lld\n", databases[i].database_name,
                                   (long long)(range->from_us / SAMPLE_HOUR_US + h),
                                   (long long)databases[i].hours[h].observed_ms,
                                   (long long)databases[i].hours[h].calls,
                                   (long long)databases[i].hours[h].exec_us);
    return text.data;
}

static int64_t
blocks_by_c(StoreFixture *fixture, const DatabaseHoursRange *range)
{
    DatabaseHours *databases;
    size_t count;
    Error error = {0};
    int64_t blocks = 0;
    assert_done(database_hours_read(fixture->connection, fixture->arena, range, &databases, &count, &error),
                &error);
    for (size_t i = 0; i < count; i++)
        for (int64_t h = 0; h < (range->to_us - range->from_us) / SAMPLE_HOUR_US; h++)
            blocks += databases[i].hours[h].blocks_hit + databases[i].hours[h].blocks_read;
    return blocks;
}

static const char *
hours_by_sql(StoreFixture *fixture, const DatabaseHoursRange *range)
{
    return store_fixture_value(
        fixture,
        arena_printf(
            fixture->arena,
            "SELECT string_agg(concat_ws(' ', database_name, floor(extract(epoch FROM hour_at) / 3600), "
            "observed_ms, calls, exec_us) || E'\\n', '' ORDER BY database_name COLLATE \"C\", hour_at) "
            "FROM fettle.database_hours(%lld, to_timestamp(%lld), to_timestamp(%lld))",
            (long long)range->target_ids[0], (long long)(range->from_us / 1000000),
            (long long)(range->to_us / 1000000)));
}

/* By lines: an assert of the whole would be cut. */
static void
assert_lines_equal(const char *lines, const char *wanted)
{
    const char *line = lines;
    for (size_t i = 0; lines[i] != '\0' || wanted[i] != '\0'; i++) {
        if (lines[i] != wanted[i])
            fail_msg("%.60s is not %.60s", line, wanted + (line - lines));
        if (lines[i] == '\n')
            line = lines + i + 1;
    }
}

static void
hours_are_the_same_wherever_their_samples_are_kept(void **state)
{
    StoreFixture *fixture = *state;
    int64_t target_id = rounds_target(fixture, "kept");
    int64_t base_us = sample_time_floor(clock_wall_us(), SAMPLE_DAY_US) - 3 * SAMPLE_DAY_US;
    DatabaseHoursRange range = {.target_ids = &target_id,
                                .target_count = 1,
                                .from_us = base_us + 2 * SAMPLE_HOUR_US,
                                .to_us = base_us + 50 * SAMPLE_HOUR_US};
    for (int32_t database = 1; database <= ROUNDS_DATABASES; database++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", ARENA_BYTES);
        size_t count = 0;
        Error error = {0};
        SampleRound *rounds = rounds_make(arena, (uint64_t)database, target_id, database, base_us,
                                          base_us + 50 * SAMPLE_HOUR_US, STEP_US, &count);
        assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
    }
    const char *journal = hours_by_c(fixture, &range);
    assert_true(strlen(journal) > 2000);
    assert_lines_equal(hours_by_sql(fixture, &range), journal);
    static const int64_t hours[] = {14, 25, 90};
    for (size_t h = 0; h < FETTLE_COUNT_OF(hours); h++) {
        SampleUpkeep upkeep = {0};
        Error error = {0};
        assert_done(sample_compact(fixture->connection, target_id, base_us + hours[h] * SAMPLE_HOUR_US,
                                   &upkeep, &error),
                    &error);
        assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM fettle.database_days"),
                            h == 0   ? "0"
                            : h == 1 ? "2"
                                     : "6");
        for (int only_calls = 0; only_calls < 2; only_calls++) {
            range.only_calls = only_calls == 1;
            assert_lines_equal(hours_by_c(fixture, &range), journal);
        }
        assert_lines_equal(hours_by_sql(fixture, &range), journal);
    }
    assert_true(blocks_by_c(fixture, &range) == 0); /* of calls alone */
    range.only_calls = false;
    assert_true(blocks_by_c(fixture, &range) > 0);
}

static void
rounds_written_again_and_another_time_zone_change_no_hour(void **state)
{
    StoreFixture *fixture = *state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("rounds", ARENA_BYTES);
    int64_t target_id = rounds_target(fixture, "abroad");
    int64_t base_us = sample_time_floor(clock_wall_us(), SAMPLE_DAY_US) - 3 * SAMPLE_DAY_US;
    DatabaseHoursRange range = {.target_ids = &target_id,
                                .target_count = 1,
                                .from_us = base_us + 2 * SAMPLE_HOUR_US,
                                .to_us = base_us + 50 * SAMPLE_HOUR_US};
    size_t count = 0;
    Error error = {0};
    SampleUpkeep upkeep = {0};
    SampleRound *rounds =
        rounds_make(arena, 5, target_id, 1, base_us, base_us + 50 * SAMPLE_HOUR_US, STEP_US, &count);
    assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
    const char *once = hours_by_c(fixture, &range);
    assert_true(strlen(once) > 1000);
    assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
    assert_lines_equal(hours_by_c(fixture, &range), once);
    assert_done(pg_execute(fixture->connection, "SET timezone = 'Pacific/Chatham'", &error), &error);
    assert_lines_equal(hours_by_c(fixture, &range), once);
    assert_done(
        sample_compact(fixture->connection, target_id, base_us + 90 * SAMPLE_HOUR_US, &upkeep, &error),
        &error);
    assert_lines_equal(hours_by_c(fixture, &range), once);
    assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
    assert_lines_equal(hours_by_c(fixture, &range), once);
    assert_done(pg_execute(fixture->connection, "SET timezone = 'UTC'", &error), &error);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_tail_of_t_in_sql_agrees_with_the_one_in_c, store_fixture_clear),
        cmocka_unit_test_setup(the_rule_in_sql_agrees_with_the_one_in_c, store_fixture_clear),
        cmocka_unit_test_setup(patterns_are_refreshed_and_not_doubled_by_c_and_by_sql, store_fixture_clear),
        cmocka_unit_test_setup(what_is_not_found_any_more_goes, store_fixture_clear),
        cmocka_unit_test_setup(too_short_a_time_and_unknown_databases_are_told_apart_in_sql,
                               store_fixture_clear),
        cmocka_unit_test_setup(hours_are_the_same_wherever_their_samples_are_kept, store_fixture_clear),
        cmocka_unit_test_setup(rounds_written_again_and_another_time_zone_change_no_hour,
                               store_fixture_clear),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
