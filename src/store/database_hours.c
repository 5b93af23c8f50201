// SPDX-License-Identifier: PostgreSQL
#include "store/database_hours.h"

#include "base/list.h"
#include "base/map.h"
#include "store/sample_source.h"

#include <stdlib.h>
#include <string.h>

#define DAY_HOURS 24
#define NUMBERS 7 /* of a DatabaseHour */
#define SOURCE_BYTES ((size_t)8 << 30)

VECTOR_DEFINE(DatabaseHoursList, DatabaseHours);

typedef struct Reading {
    PgConnection *session;
    Arena *arena;
    const DatabaseHoursRange *range;
    size_t hour_count;
    int64_t from_hour;
    int64_t *open_days; /* of each target: the first day that is not in database_days; days since 1970 */
    DatabaseHoursList list;
    Map *places; /* "target:name" to 1 + place in the list */
} Reading;

static DatabaseHours *
database_of(Reading *reading, int64_t target_id, const char *name)
{
    /* rows of a database mostly come together */
    if (reading->list.count > 0) {
        DatabaseHours *last = &reading->list.items[reading->list.count - 1];
        if (last->target_id == target_id && strcmp(last->database_name, name) == 0)
            return last;
    }
    const char *key = arena_printf(reading->arena, "%" PRId64 ":%s", target_id, name);
    size_t *place = map_get(reading->places, key);
    if (place == NULL) {
        DatabaseHours database = {.target_id = target_id,
                                  .database_name = arena_strdup(reading->arena, name),
                                  .hours =
                                      ARENA_NEW_ARRAY(reading->arena, DatabaseHour, reading->hour_count)};
        place = ARENA_NEW(reading->arena, size_t);
        *place = reading->list.count;
        map_put(reading->places, key, place);
        vector_push(reading->arena, &reading->list, database);
    }
    return &reading->list.items[*place];
}

static void
add_saturating(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = INT64_MAX;
}

/* The numbers in the order of the struct. */
static void
hour_add(Reading *reading, DatabaseHours *database, int64_t hour, const int64_t numbers[NUMBERS])
{
    int64_t place = hour - reading->from_hour;
    if (place < 0 || place >= (int64_t)reading->hour_count)
        return;
    DatabaseHour *sum = &database->hours[place];
    int64_t *const fields[NUMBERS] = {&sum->observed_ms, &sum->calls,       &sum->rows,       &sum->exec_us,
                                      &sum->blocks_hit,  &sum->blocks_read, &sum->temp_blocks};
    for (size_t i = 0; i < NUMBERS; i++)
        add_saturating(fields[i], numbers[i]);
}

static char *
targets_text(Reading *reading)
{
    return sample_numbers_text(reading->arena, reading->range->target_ids, reading->range->target_count);
}

static bool
read_open_days(Reading *reading, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    SampleTime from = sample_time_text(reading->range->from_us);
    size_t count = reading->range->target_count;
    reading->open_days = ARENA_NEW_ARRAY(reading->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        reading->open_days[i] = reading->range->to_us / SAMPLE_DAY_US + 1;
    if (!store_query(reading->session, "database_days_open",
                     STORE_PARAMETERS(targets_text(reading), from.text), &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        for (size_t i = 0; i < count; i++)
            if (reading->range->target_ids[i] == pg_result_int(rows, row, 0, 0) &&
                pg_result_int(rows, row, 1, 0) < reading->open_days[i])
                reading->open_days[i] = pg_result_int(rows, row, 1, 0);
    return true;
}

/* What stands after the number; NULL: none stands here, or one that is too great. strtoll() takes four times
 * as long, for it asks the locale. */
static const char *
number_read(const char *at, int64_t *ret_number)
{
    bool is_negative = *at == '-';
    const char *first = at + is_negative;
    int64_t number = 0;
    for (at = first; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *at - '0', &number))
            return NULL;
    *ret_number = is_negative ? -number : number;
    return at == first ? NULL : at;
}

/* Which of the numbers a range of calls alone has. */
static const bool is_of_calls[NUMBERS] = {[0] = true, [1] = true, [3] = true};

/* "{1,2,...}" of exactly 24 whole numbers, read where it stands: there are many. */
static bool
day_numbers(const char *text, int64_t ret_numbers[DAY_HOURS], Error *error)
{
    const char *at = text;
    for (size_t i = 0; i < DAY_HOURS && at != NULL; i++)
        at = *at == (i == 0 ? '{' : ',') ? number_read(at + 1, &ret_numbers[i]) : NULL;
    return (at != NULL && strcmp(at, "}") == 0) ||
           error_set(error, ERROR_DAMAGED, "the hours of a database's day are damaged");
}

static bool
add_day(Reading *reading, const PgResult *rows, int64_t row, Error *error)
{
    int64_t numbers[NUMBERS][DAY_HOURS] = {{0}};
    for (int i = 0; i < NUMBERS; i++) {
        const char *text = pg_result_text(rows, row, 3 + i);
        if (reading->range->only_calls && !is_of_calls[i])
            continue;
        if (!day_numbers(text == NULL ? "" : text, numbers[i], error))
            return false;
    }
    DatabaseHours *database =
        database_of(reading, pg_result_int(rows, row, 0, 0), pg_result_text(rows, row, 1));
    for (int h = 0; h < DAY_HOURS; h++) {
        int64_t hour[NUMBERS];
        for (int i = 0; i < NUMBERS; i++)
            hour[i] = numbers[i][h];
        hour_add(reading, database, pg_result_int(rows, row, 2, 0) * DAY_HOURS + h, hour);
    }
    return true;
}

static bool
read_days(Reading *reading, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    SampleTime from = sample_time_text(reading->range->from_us);
    char *open_days = sample_numbers_text(reading->arena, reading->open_days, reading->range->target_count);
    if (!store_query(reading->session, "database_days_read",
                     STORE_PARAMETERS(targets_text(reading), open_days, from.text,
                                      reading->range->database_name, reading->range->only_calls ? "t" : "f"),
                     &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        if (!add_day(reading, rows, row, error))
            return false;
    return true;
}

/* What was inserted by hand before the open day; from it on the source has it. */
static bool
read_rows(Reading *reading, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    SampleTime from = sample_time_text(reading->range->from_us);
    SampleTime to = sample_time_text(reading->range->to_us);
    char *open_days = sample_numbers_text(reading->arena, reading->open_days, reading->range->target_count);
    if (!store_query(reading->session, "database_row_hours",
                     STORE_PARAMETERS(targets_text(reading), open_days, from.text, to.text,
                                      reading->range->database_name),
                     &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        int64_t numbers[NUMBERS];
        for (int i = 0; i < NUMBERS; i++)
            numbers[i] = pg_result_int(rows, row, 3 + i, 0);
        hour_add(reading, database_of(reading, pg_result_int(rows, row, 0, 0), pg_result_text(rows, row, 1)),
                 pg_result_int(rows, row, 2, 0), numbers);
    }
    return true;
}

/* A statement's hours into its database's; the observed time is the database's, and so the greatest. */
static void
add_statement(Reading *reading, DatabaseHours *database, const SampleStatement *statement)
{
    for (size_t i = 0; i < statement->bucket_count; i++) {
        SampleBucket *bucket = &statement->buckets[i];
        int64_t place = bucket->from_us / SAMPLE_HOUR_US - reading->from_hour;
        if (place < 0 || place >= (int64_t)reading->hour_count)
            continue;
        const int64_t *counters = bucket->sum.counters;
        const int64_t numbers[NUMBERS] = {0,
                                          counters[SAMPLE_CALLS],
                                          counters[SAMPLE_ROWS],
                                          counters[SAMPLE_EXEC_US],
                                          counters[SAMPLE_SHARED_HIT],
                                          counters[SAMPLE_SHARED_READ],
                                          counters[SAMPLE_TEMP_READ] + counters[SAMPLE_TEMP_WRITTEN]};
        if (bucket->is_active)
            hour_add(reading, database, place + reading->from_hour, numbers);
        DatabaseHour *sum = &database->hours[place];
        if (bucket->observed_ms > sum->observed_ms)
            sum->observed_ms = bucket->observed_ms;
    }
}

static bool
read_databases(Reading *reading, int64_t target_id, Map *names, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(reading->session, "statement_databases", STORE_PARAMETERS(target.text), &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        map_put_id(names, (uint64_t)pg_result_int(rows, row, 0, 0),
                   arena_strdup(reading->arena, pg_result_text(rows, row, 2)));
    return true;
}

/* What of a target is not added up. */
static bool
read_open(Reading *reading, int64_t target_id, int64_t from_us, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("database hours", SOURCE_BYTES);
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    SampleRange range = {.target_id = target_id,
                         .from_us = from_us,
                         .to_us = reading->range->to_us,
                         .step_ms = SAMPLE_HOUR_US / 1000,
                         .database_name = reading->range->database_name};
    SampleSourceOptions options = {
        .range = &range, .step_us = SAMPLE_HOUR_US, .buckets_most = reading->hour_count + 1};
    Map *names = map_new(scratch);
    SampleStatement statement;
    Error failure = {0};
    if (!read_databases(reading, target_id, names, error) ||
        !sample_source_open(reading->session, scratch, &options, &source, error) ||
        !sample_source_fetch(source, error))
        return false;
    while (sample_source_next(source, &statement, &failure)) {
        const char *name = map_get_id(names, (uint64_t)statement.database_id);
        if (name != NULL)
            add_statement(reading, database_of(reading, target_id, name), &statement);
    }
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

static bool
read_all(Reading *reading, Error *error)
{
    if (!read_open_days(reading, error) || !read_days(reading, error) || !read_rows(reading, error))
        return false;
    for (size_t i = 0; i < reading->range->target_count; i++) {
        int64_t from_us = reading->open_days[i] * SAMPLE_DAY_US;
        if (from_us < reading->range->from_us)
            from_us = reading->range->from_us;
        if (from_us < reading->range->to_us &&
            !read_open(reading, reading->range->target_ids[i], from_us, error))
            return false;
    }
    return true;
}

static int
compare_databases(const void *left, const void *right)
{
    const DatabaseHours *a = left;
    const DatabaseHours *b = right;
    if (a->target_id != b->target_id)
        return a->target_id < b->target_id ? -1 : 1;
    return strcmp(a->database_name, b->database_name);
}

bool
database_hours_read(PgConnection *session, Arena *arena, const DatabaseHoursRange *range,
                    DatabaseHours **ret_databases, size_t *ret_count, Error *error)
{
    fettle_assert(range->from_us % SAMPLE_HOUR_US == 0 && range->to_us % SAMPLE_HOUR_US == 0);
    fettle_assert(range->from_us >= 0 && range->from_us < range->to_us &&
                  range->to_us - range->from_us <= DATABASE_HOURS_DAYS_MOST * SAMPLE_DAY_US);
    Reading reading = {.session = session,
                       .arena = arena,
                       .range = range,
                       .hour_count = (size_t)((range->to_us - range->from_us) / SAMPLE_HOUR_US),
                       .from_hour = range->from_us / SAMPLE_HOUR_US,
                       .places = map_new(arena)};
    if (!pg_transaction_begin_read_only(session, error))
        return error_prefix(error, "could not read the hours of databases");
    bool is_good = read_all(&reading, error);
    Error ignored = {0};
    if (!pg_transaction_end(session, is_good ? error : &ignored) || !is_good)
        return error_prefix(error, "could not read the hours of databases");
    if (reading.list.count > 1)
        qsort(reading.list.items, reading.list.count, sizeof(*reading.list.items), compare_databases);
    *ret_databases = reading.list.items;
    *ret_count = reading.list.count;
    return true;
}
