// SPDX-License-Identifier: PostgreSQL
/* Rows for COPY in binary form, sums of samples, ranges, and the source that reads samples wherever they are.
 */
#include "rounds.h"

#include "store/sample_codec.h"
#include "store/sample_copy.h"
#include "store/sample_source.h"

#include <math.h>
#include <string.h>

#define SECOND_US ((int64_t)1000000)
/* 2026-03-02T10:00:00Z */
#define TEN_US (1772445600 * SECOND_US)

static void
rows_arrive_as_they_were_and_may_be_sent_again(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    assert_done(pg_execute(fixture->connection,
                           "CREATE TEMPORARY TABLE t (a integer, b bigint, c timestamptz, d date, e bytea)",
                           &error),
                &error);
    static const uint8_t bytes[] = {0, 0xFF, '\n', '\\'};
    SampleCopy copy = sample_copy_new(fixture->arena);
    sample_copy_row(&copy, 5);
    sample_copy_int32(&copy, INT32_MIN);
    sample_copy_int64(&copy, INT64_MAX);
    sample_copy_timestamp(&copy, TEN_US + 1);
    sample_copy_date(&copy, TEN_US);
    sample_copy_bytes(&copy, (SampleBytes){bytes, sizeof(bytes)});
    sample_copy_row(&copy, 5);
    sample_copy_int32(&copy, -1);
    sample_copy_int64(&copy, 0);
    sample_copy_timestamp(&copy, 0);
    sample_copy_date(&copy, -1);
    sample_copy_bytes(&copy, (SampleBytes){bytes, 0});
    for (int i = 0; i < 2; i++)
        assert_done(sample_copy_send(&copy, fixture->connection, "t (a, b, c, d, e)", &error), &error);
    assert_string_equal(store_fixture_value(fixture, "SELECT count(*) FROM t"), "4");
    static const char look[] = "SELECT concat_ws(' ', a, b, to_char(c AT TIME ZONE 'UTC', "
                               "'YYYY-MM-DD\"T\"HH24:MI:SS.US'), d, encode(e, 'hex')) FROM t ";
    assert_string_equal(
        store_fixture_value(fixture, arena_printf(fixture->arena, "%s ORDER BY a LIMIT 1", look)),
        "-2147483648 9223372036854775807 2026-03-02T10:00:00.000001 2026-03-02 00ff0a5c");
    assert_string_equal(
        store_fixture_value(fixture, arena_printf(fixture->arena, "%s ORDER BY a DESC LIMIT 1", look)),
        "-1 0 1970-01-01T00:00:00.000000 1969-12-31 ");
    assert_done(pg_execute(fixture->connection, "DROP TABLE t", &error), &error);
}

static void
without_rows_nothing_is_sent_and_a_refused_table_is_told(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    SampleCopy copy = sample_copy_new(fixture->arena);
    assert_done(sample_copy_send(&copy, fixture->connection, "no_such (a)", &error), &error);
    sample_copy_row(&copy, 1);
    sample_copy_int32(&copy, 1);
    assert_false(sample_copy_send(&copy, fixture->connection, "no_such (a)", &error));
    assert_string_equal(error.sqlstate, "42P01");
}

static SamplePack
calls_of(Arena *arena, int64_t calls, int64_t exec_us, int64_t deviation_us)
{
    SamplePack pack = {0};
    sample_pack_reserve(arena, &pack, 1);
    pack.count = 1;
    sample_pack_counter(arena, &pack, SAMPLE_CALLS)[0] = calls;
    sample_pack_counter(arena, &pack, SAMPLE_EXEC_US)[0] = exec_us;
    sample_pack_counter(arena, &pack, SAMPLE_EXEC_DEVIATION_US)[0] = deviation_us;
    return pack;
}

/* Calls of 1, 3 and of 5, 7 ms: mean 4, deviation of all the root of 5. */
static void
deviations_are_pooled_over_the_calls_whether_added_or_merged(void **state)
{
    StoreFixture *fixture = *state;
    SamplePack first = calls_of(fixture->arena, 2, 4000, 1000);
    SamplePack second = calls_of(fixture->arena, 2, 12000, 1000);
    SampleSum added = {0}, one = {0}, other = {0};
    sample_sum_add(&added, &first, 0);
    sample_sum_add(&added, &second, 0);
    sample_sum_add(&one, &first, 0);
    sample_sum_add(&other, &second, 0);
    sample_sum_merge(&one, &other);
    sample_sum_finish(&added);
    sample_sum_finish(&one);
    assert_int_equal(added.counters[SAMPLE_CALLS], 4);
    assert_int_equal(added.counters[SAMPLE_EXEC_US], 16000);
    assert_int_equal(added.counters[SAMPLE_EXEC_DEVIATION_US], llround(1000 * sqrt(5)));
    assert_memory_equal(added.counters, one.counters, sizeof(added.counters));
}

static void
a_sum_with_nothing_is_itself_and_stops_at_the_greatest_number(void **state)
{
    StoreFixture *fixture = *state;
    SamplePack great = calls_of(fixture->arena, 1, INT64_MAX - 1, 0);
    SampleSum sum = {0}, nothing = {0};
    sample_sum_add(&sum, &great, 0);
    sample_sum_merge(&sum, &nothing);
    assert_true(sum.counters[SAMPLE_EXEC_US] == INT64_MAX - 1 && sum.counters[SAMPLE_CALLS] == 1);
    sample_sum_merge(&nothing, &sum);
    assert_memory_equal(nothing.counters, sum.counters, sizeof(sum.counters));
    sample_sum_merge(&sum, &nothing);
    assert_true(sum.counters[SAMPLE_EXEC_US] == INT64_MAX && sum.counters[SAMPLE_CALLS] == 2);
}

static void
a_range_without_target_or_length_or_outside_of_the_calendar_is_refused(void **state)
{
    (void)state;
    static const SampleRange bad[] = {{.target_id = 0, .from_us = 0, .to_us = 1},
                                      {.target_id = -1, .from_us = 0, .to_us = 1},
                                      {.target_id = 1, .from_us = 5, .to_us = 5},
                                      {.target_id = 1, .from_us = 6, .to_us = 5},
                                      {.target_id = 1, .from_us = INT64_MIN, .to_us = 5},
                                      {.target_id = 1, .from_us = 0, .to_us = INT64_MAX}};
    Error error = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        error = (Error){0};
        assert_false(sample_range_check(&bad[i], &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
    error = (Error){0};
    SampleRange good = {.target_id = 1, .from_us = TEN_US, .to_us = TEN_US + 1};
    assert_done(sample_range_check(&good, &error), &error);
}

/* All that a source gives of a target: statements in order, and the calls in sum. */
static int64_t
calls_read(StoreFixture *fixture, int64_t target_id, int64_t from_us, int64_t to_us, size_t *ret_statements)
{
    Error error = {0};
    SampleRange range = {.target_id = target_id, .from_us = from_us, .to_us = to_us};
    SampleSourceOptions options = {.range = &range, .step_us = 60 * SECOND_US, .buckets_most = 100000};
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    int64_t calls = 0;
    int32_t before = 0;
    SampleStatement statement;
    assert_done(pg_transaction_begin_read_only(fixture->connection, &error), &error);
    assert_done(sample_source_open(fixture->connection, fixture->arena, &options, &source, &error) &&
                    sample_source_fetch(source, &error),
                &error);
    *ret_statements = 0;
    while (sample_source_next(source, &statement, &error)) {
        assert_true(statement.statement_id > before);
        assert_int_equal(statement.query_hash, 1000 + statement.statement_id);
        before = statement.statement_id;
        (*ret_statements)++;
        for (size_t i = 0; i < statement.bucket_count; i++)
            if (statement.buckets[i].is_active)
                calls += statement.buckets[i].sum.counters[SAMPLE_CALLS];
    }
    assert_int_equal(error.code, ERROR_NONE);
    sample_source_close(source);
    source = NULL;
    assert_done(pg_transaction_end(fixture->connection, &error), &error);
    return calls;
}

static void
a_source_gives_each_sample_once_whether_packed_or_not(void **state)
{
    StoreFixture *fixture = *state;
    Error error = {0};
    int64_t target = rounds_target(fixture, "source");
    int64_t to_us = TEN_US + 3600 * SECOND_US;
    size_t count;
    SampleRound *rounds = rounds_make(fixture->arena, 5, target, 1, TEN_US, to_us, 60 * SECOND_US, &count);
    assert_done(sample_rounds_write(fixture->connection, rounds, count, &error), &error);
    int64_t expected = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rounds[i].sample_count; k++)
            expected += rounds[i].samples[k].counters[SAMPLE_CALLS];
    size_t statements;
    assert_true(expected > 0);
    assert_int_equal(calls_read(fixture, target, TEN_US, to_us, &statements), expected);
    assert_int_equal(statements, ROUNDS_STATEMENTS);
    SampleUpkeep upkeep = {0};
    assert_done(sample_compact(fixture->connection, target, TEN_US + 24 * 3600 * SECOND_US, &upkeep, &error),
                &error);
    assert_true(upkeep.blocks_written > 0);
    assert_int_equal(calls_read(fixture, target, TEN_US, to_us, &statements), expected);
    assert_int_equal(
        calls_read(fixture, target, to_us + 3600 * SECOND_US, to_us + 7200 * SECOND_US, &statements), 0);
    assert_int_equal(statements, 0);
}

static void
closing_no_source_is_allowed(void **state)
{
    (void)state;
    SampleSource *source = NULL;
    sample_source_close(source);
    sample_source_close_at(&source);
    assert_null(source);
}

#define WITH_STORE(test) cmocka_unit_test_setup(test, store_fixture_clear)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(rows_arrive_as_they_were_and_may_be_sent_again),
        WITH_STORE(without_rows_nothing_is_sent_and_a_refused_table_is_told),
        cmocka_unit_test(deviations_are_pooled_over_the_calls_whether_added_or_merged),
        cmocka_unit_test(a_sum_with_nothing_is_itself_and_stops_at_the_greatest_number),
        cmocka_unit_test(a_range_without_target_or_length_or_outside_of_the_calendar_is_refused),
        WITH_STORE(a_source_gives_each_sample_once_whether_packed_or_not),
        cmocka_unit_test(closing_no_source_is_allowed),
    };
    return cmocka_run_group_tests(tests, store_fixture_open, store_fixture_close);
}
