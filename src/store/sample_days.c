// SPDX-License-Identifier: PostgreSQL
/*
 * Blocks into days: for each database and day of which every block is packed, the observed time of its hours
 * and for each statement its hours, and their sum for the database, in one transaction.
 */
#include "store/sample_copy.h"

#include <string.h>

#define DAY_BYTES_MOST ((size_t)8 << 30)
#define DAY_COLUMNS 10
#define DAY_BLOCKS 6

/* What a database's hours are summed up to, in the order of database_day_write.sql. */
enum { SUM_CALLS, SUM_ROWS, SUM_EXEC_US, SUM_HIT, SUM_READ, SUM_TEMP, SUM_COUNT };

/* One database's day. */
typedef struct Day {
    PgConnection *session;
    Arena *arena;
    int64_t target_id;
    StoreNumber target;
    StoreNumber database;
    int64_t starts_us;
    SampleTime starts;
    SampleNumbers times_us[DAY_BLOCKS]; /* of each block's rounds */
    int64_t observed_ms[SAMPLE_DAY_HOURS];
    int64_t flags[SAMPLE_DAY_HOURS];
    int64_t sums[SUM_COUNT][SAMPLE_DAY_HOURS]; /* over all statements */
} Day;

/* The number of a step in the day; not in it: ERROR_DAMAGED. */
static bool
day_step(const Day *day, int64_t at_us, int64_t step_us, size_t *ret_step, Error *error)
{
    int64_t since_us = at_us - day->starts_us;
    if (since_us < 0 || since_us >= SAMPLE_DAY_US)
        return error_set(error, ERROR_DAMAGED, "the times of packed samples are damaged");
    *ret_step = (size_t)(since_us / step_us);
    return true;
}

static bool
day_read_times(Day *day, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    SampleTime ends = sample_time_text(day->starts_us + SAMPLE_DAY_US);
    if (!store_query(day->session, "sample_times_read",
                     STORE_PARAMETERS(day->target.text, day->database.text, day->starts.text, ends.text),
                     &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        SampleNumbers intervals;
        SampleNumbers flags;
        size_t block = 0;
        if (!day_step(day, pg_result_int(rows, row, 1, 0), SAMPLE_BLOCK_US, &block, error) ||
            !sample_numbers_parse(day->arena, pg_result_text(rows, row, 2), &day->times_us[block], error) ||
            !sample_numbers_parse(day->arena, pg_result_text(rows, row, 3), &intervals, error) ||
            !sample_numbers_parse(day->arena, pg_result_text(rows, row, 4), &flags, error))
            return false;
        if (intervals.count != day->times_us[block].count || flags.count != intervals.count)
            return error_set(error, ERROR_DAMAGED, "the times of packed samples are damaged");
        for (size_t i = 0; i < intervals.count; i++) {
            size_t hour = 0;
            if (!day_step(day, day->times_us[block].items[i], SAMPLE_HOUR_US, &hour, error))
                return false;
            day->observed_ms[hour] += intervals.items[i];
            day->flags[hour] |= flags.items[i];
        }
    }
    for (size_t hour = 0; hour < SAMPLE_DAY_HOURS; hour++)
        if (day->observed_ms[hour] > INT32_MAX)
            day->observed_ms[hour] = INT32_MAX;
    return true;
}

static bool
day_add_block(Day *day, SampleSum hours[SAMPLE_DAY_HOURS], bool is_active[SAMPLE_DAY_HOURS],
              const PgResult *rows, int64_t row, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample block", DAY_BYTES_MOST);
    size_t block = 0;
    SampleBytes bytes;
    SamplePack pack;
    if (!day_step(day, pg_result_time_us(rows, row, 1), SAMPLE_BLOCK_US, &block, error) ||
        !sample_bytes_of(rows, row, 2, &bytes, error) ||
        !sample_pack_decode(scratch, bytes, day->times_us[block].count, &pack, error))
        return false;
    for (size_t i = 0; i < pack.count; i++) {
        size_t hour = 0;
        if (!day_step(day, day->times_us[block].items[pack.positions[i]], SAMPLE_HOUR_US, &hour, error))
            return false;
        sample_sum_add(&hours[hour], &pack, i);
        is_active[hour] = true;
    }
    return true;
}

static int64_t
sum_saturating(const SamplePack *pack, const SampleCounter *counters, size_t counter_count)
{
    int64_t sum = 0;
    for (size_t c = 0; c < counter_count; c++)
        for (size_t i = 0; pack->counters[counters[c]] != NULL && i < pack->count; i++)
            if (__builtin_add_overflow(sum, pack->counters[counters[c]][i], &sum))
                return INT64_MAX;
    return sum;
}

#define SUM_OF(pack, ...)                                                                                    \
    sum_saturating((pack), (const SampleCounter[]){__VA_ARGS__},                                             \
                   FETTLE_COUNT_OF(((const SampleCounter[]){__VA_ARGS__})))

static void
add_saturating(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = INT64_MAX;
}

/* One statement's hour into its database's. */
static void
day_sum_hour(Day *day, size_t hour, const int64_t counters[SAMPLE_COUNTER_COUNT])
{
    add_saturating(&day->sums[SUM_CALLS][hour], counters[SAMPLE_CALLS]);
    add_saturating(&day->sums[SUM_ROWS][hour], counters[SAMPLE_ROWS]);
    add_saturating(&day->sums[SUM_EXEC_US][hour], counters[SAMPLE_EXEC_US]);
    add_saturating(&day->sums[SUM_HIT][hour], counters[SAMPLE_SHARED_HIT]);
    add_saturating(&day->sums[SUM_READ][hour], counters[SAMPLE_SHARED_READ]);
    add_saturating(&day->sums[SUM_TEMP][hour], counters[SAMPLE_TEMP_READ]);
    add_saturating(&day->sums[SUM_TEMP][hour], counters[SAMPLE_TEMP_WRITTEN]);
}

/* The row of one statement from its hours. */
static bool
day_row(Day *day, int32_t statement_id, SampleSum hours[SAMPLE_DAY_HOURS],
        const bool is_active[SAMPLE_DAY_HOURS], SampleCopy *copy, Error *error)
{
    SamplePack pack;
    SampleBytes bytes;
    sample_pack_reserve(day->arena, &pack, SAMPLE_DAY_HOURS);
    pack.count = 0;
    for (uint32_t hour = 0; hour < SAMPLE_DAY_HOURS; hour++)
        if (is_active[hour])
            pack.positions[pack.count++] = hour;
    for (size_t i = 0; i < pack.count; i++) {
        SampleSum *sum = &hours[pack.positions[i]];
        sample_sum_finish(sum);
        day_sum_hour(day, pack.positions[i], sum->counters);
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
            if (sum->counters[c] != 0)
                sample_pack_counter(day->arena, &pack, (SampleCounter)c)[i] = sum->counters[c];
    }
    if (!sample_pack_encode(day->arena, &pack, SAMPLE_DAY_HOURS, &bytes, error))
        return false;
    const int64_t totals[] = {
        SUM_OF(&pack, SAMPLE_CALLS),
        SUM_OF(&pack, SAMPLE_ROWS),
        SUM_OF(&pack, SAMPLE_EXEC_US),
        SUM_OF(&pack, SAMPLE_SHARED_READ, SAMPLE_SHARED_WRITTEN, SAMPLE_LOCAL_READ, SAMPLE_LOCAL_WRITTEN,
               SAMPLE_TEMP_READ, SAMPLE_TEMP_WRITTEN),
        SUM_OF(&pack, SAMPLE_TEMP_READ, SAMPLE_TEMP_WRITTEN),
        SUM_OF(&pack, SAMPLE_WAL_BYTES),
    };
    sample_copy_row(copy, DAY_COLUMNS);
    sample_copy_int64(copy, day->target_id);
    sample_copy_int32(copy, statement_id);
    sample_copy_date(copy, day->starts_us);
    for (size_t i = 0; i < FETTLE_COUNT_OF(totals); i++)
        sample_copy_int64(copy, totals[i]);
    sample_copy_bytes(copy, bytes);
    return true;
}

/* The rows of all statements of the day, in order. */
static bool
day_rows(Day *day, const PgResult *blocks, SampleCopy *copy, Error *error)
{
    for (int64_t row = 0; row < pg_result_rows(blocks);) {
        SampleSum hours[SAMPLE_DAY_HOURS] = {0};
        bool is_active[SAMPLE_DAY_HOURS] = {0};
        int64_t statement_id = pg_result_int(blocks, row, 0, 0);
        for (; row < pg_result_rows(blocks) && pg_result_int(blocks, row, 0, 0) == statement_id; row++)
            if (!day_add_block(day, hours, is_active, blocks, row, error))
                return false;
        if (!day_row(day, (int32_t)statement_id, hours, is_active, copy, error))
            return false;
    }
    return true;
}

/* The database's own row. */
static bool
day_write_sums(Day *day, Error *error)
{
    const char *parameters[4 + SUM_COUNT] = {
        day->target.text, day->database.text, day->starts.text,
        sample_numbers_text(day->arena, day->observed_ms, SAMPLE_DAY_HOURS)};
    for (size_t i = 0; i < SUM_COUNT; i++)
        parameters[4 + i] = sample_numbers_text(day->arena, day->sums[i], SAMPLE_DAY_HOURS);
    return sample_partition_make(day->session, "database_days", day->starts_us, error) &&
           store_query(day->session, "database_day_write", parameters, 4 + SUM_COUNT, NULL, error);
}

static bool
day_write(Day *day, SampleUpkeep *upkeep, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *blocks = NULL;
    SampleCopy copy = sample_copy_new(day->arena);
    if (!day_read_times(day, error) ||
        !store_query_binary(day->session, "sample_day_blocks",
                            STORE_PARAMETERS(day->target.text, day->database.text, day->starts.text), &blocks,
                            error))
        return false;
    if (!day_rows(day, blocks, &copy, error) ||
        !sample_partition_make(day->session, "sample_days", day->starts_us, error) ||
        !sample_partition_make(day->session, "sample_day_times", day->starts_us, error) ||
        !store_query(day->session, "sample_day_times_insert",
                     STORE_PARAMETERS(day->target.text, day->database.text, day->starts.text,
                                      sample_numbers_text(day->arena, day->observed_ms, SAMPLE_DAY_HOURS),
                                      sample_numbers_text(day->arena, day->flags, SAMPLE_DAY_HOURS)),
                     NULL, error) ||
        !day_write_sums(day, error) ||
        !store_query(day->session, "sample_day_close",
                     STORE_PARAMETERS(day->target.text, day->database.text, day->starts.text), NULL, error) ||
        !sample_copy_send(
            &copy, day->session,
            "fettle.sample_days (target_id, statement_id, day, calls, \"rows\", exec_us, io_blocks, "
            "temp_blocks, wal_bytes, data)",
            error))
        return false;
    upkeep->days_written += (int64_t)copy.rows;
    return true;
}

bool
sample_days_add_up(PgConnection *session, int64_t target_id, int64_t due_us, SampleUpkeep *upkeep,
                   Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *days = NULL;
    StoreNumber target = store_number(target_id);
    SampleTime due = sample_time_text(sample_time_floor(due_us, SAMPLE_DAY_US));
    if (!store_query(session, "sample_days_due", STORE_PARAMETERS(target.text, due.text), &days, error))
        return false;
    for (int64_t i = 0; i < pg_result_rows(days); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample day", DAY_BYTES_MOST);
        int64_t starts_us = pg_result_int(days, i, 1, 0);
        SampleUpkeep written = {0};
        Day day = {.session = session,
                   .arena = arena,
                   .target_id = target_id,
                   .target = target,
                   .database = store_number(pg_result_int(days, i, 0, 0)),
                   .starts_us = starts_us,
                   .starts = sample_time_text(starts_us)};
        bool is_good =
            sample_transaction_begin(session, target_id, true, error) && day_write(&day, &written, error);
        if (!sample_transaction_end(session, is_good, error))
            return false;
        upkeep->days_written += written.days_written;
    }
    return true;
}
