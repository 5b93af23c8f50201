// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static bool
activity_minute_write(PgConnection *session, const ActivityMinute *minute, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("activity minute", ARENA_BYTES);
    Text numbers[4];
    for (size_t i = 0; i < FETTLE_COUNT_OF(numbers); i++)
        numbers[i] = observation_array_begin(arena);
    const char **words[3];
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        words[i] = ARENA_NEW_ARRAY(arena, const char *, minute->row_count);
    for (size_t i = 0; i < minute->row_count; i++) {
        const ActivityRow *row = &minute->rows[i];
        observation_array_int(&numbers[0], row->database_id);
        observation_array_int(&numbers[1], row->statement_id);
        observation_array_int(&numbers[2], row->queryid);
        observation_array_int(&numbers[3], row->seen);
        words[0][i] = row->state;
        words[1][i] = row->wait_type;
        words[2][i] = row->wait_event;
    }
    StoreNumber target = store_number(minute->target_id);
    StoreNumber starts = store_number(minute->starts_at_us);
    StoreNumber samples = store_number(minute->samples);
    const char *const parameters[] = {target.text,
                                      starts.text,
                                      samples.text,
                                      observation_array_end(&numbers[0]),
                                      observation_array_end(&numbers[1]),
                                      observation_array_end(&numbers[2]),
                                      pg_array_literal(arena, words[0], minute->row_count),
                                      pg_array_literal(arena, words[1], minute->row_count),
                                      pg_array_literal(arena, words[2], minute->row_count),
                                      observation_array_end(&numbers[3])};
    ObservationInsert insert = {.query = "activity_minute_write",
                                .table = "activity_minutes",
                                .at_us = minute->starts_at_us,
                                .parameters = parameters,
                                .parameter_count = (int)FETTLE_COUNT_OF(parameters)};
    return observation_insert(session, &insert, error);
}

bool
activity_minutes_write(PgConnection *session, const ActivityMinute *minutes, size_t count, Error *error)
{
    bool is_good = observation_begin(session, count, error);
    for (size_t i = 0; i < count && is_good; i++)
        is_good = activity_minute_write(session, &minutes[i], error);
    return observation_end(session, is_good, error) ||
           error_prefix(error, "could not write the activity of sessions");
}

bool
activity_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us, int64_t to_us,
              ActivityMinute *ret_sum, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber from = store_number(from_us);
    StoreNumber to = store_number(to_us);
    const char *const parameters[] = {target.text, from.text, to.text};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *samples = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "activity_samples", parameters, 3, &samples, error) ||
        !store_query(session, "activity_read", parameters, 3, &result, error))
        return error_prefix(error, "could not read the activity of sessions");
    size_t count = (size_t)pg_result_rows(result);
    ActivityRow *rows = ARENA_NEW_ARRAY(arena, ActivityRow, count);
    for (size_t i = 0; i < count; i++)
        rows[i] = (ActivityRow){.database_id = (int32_t)pg_result_int(result, (int64_t)i, 0, 0),
                                .statement_id = (int32_t)pg_result_int(result, (int64_t)i, 1, 0),
                                .queryid = pg_result_int(result, (int64_t)i, 2, 0),
                                .state = arena_strdup(arena, pg_result_text(result, (int64_t)i, 3)),
                                .wait_type = arena_strdup(arena, pg_result_text(result, (int64_t)i, 4)),
                                .wait_event = arena_strdup(arena, pg_result_text(result, (int64_t)i, 5)),
                                .seen = pg_result_int(result, (int64_t)i, 6, 0)};
    *ret_sum = (ActivityMinute){.target_id = target_id,
                                .starts_at_us = pg_result_int(samples, 0, 1, from_us),
                                .samples = pg_result_int(samples, 0, 0, 0),
                                .rows = rows,
                                .row_count = count};
    return true;
}
