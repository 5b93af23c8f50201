// SPDX-License-Identifier: PostgreSQL
#include "store/anomaly.h"
#include "store/observation_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_BYTES ((size_t)64 << 20)
#define FIRST_OF_ROUNDS (ANOMALY_FIGURES - ANOMALY_ROUND_FIGURES)

void
anomaly_reals_parse(const char *text, double *ret_values, size_t count)
{
    const char *at = text == NULL || text[0] == '\0' ? "" : text + 1; /* "{1,NULL,2}" */
    for (size_t i = 0; i < count; i++) {
        char *end = NULL;
        double value = strtod(at, &end);
        ret_values[i] = end == at ? NAN : value;
        at += strcspn(at, ",");
        at += *at == ',';
    }
}

static bool
steps_query(PgConnection *session, const char *query, const StepRange *range, int64_t step,
            PgResult **ret_rows, Error *error)
{
    StoreNumber target = store_number(range->target_id);
    StoreNumber from = store_number(range->from_us);
    StoreNumber to = store_number(range->to_us);
    StoreNumber steps = store_number(step);
    return store_query_prepared(session, query, STORE_PARAMETERS(target.text, from.text, to.text, steps.text),
                                ret_rows, error);
}

bool
anomaly_metric_steps_read(PgConnection *session, Arena *arena, const StepRange *range, StepList *ret_steps,
                          Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!steps_query(session, "anomaly_metric_steps", range, range->step_ms * 1000, &rows, error))
        return error_prefix(error, "could not read metrics by steps");
    ret_steps->count = (size_t)pg_result_rows(rows);
    ret_steps->items = ARENA_NEW_ARRAY(arena, StepFigures, ret_steps->count);
    for (size_t i = 0; i < ret_steps->count; i++) {
        StepFigures *step = &ret_steps->items[i];
        step->ended_at_us = pg_result_int(rows, (int64_t)i, 0, 0);
        for (int f = 0; f < ANOMALY_FIGURES; f++)
            step->figures[f] =
                f < FIRST_OF_ROUNDS ? NAN : pg_result_double(rows, (int64_t)i, 1 + f - FIRST_OF_ROUNDS, NAN);
    }
    return true;
}

bool
anomaly_points_read(PgConnection *session, Arena *arena, const StepRange *range, StepList *ret_steps,
                    Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(range->target_id);
    StoreNumber step = store_number(range->step_ms);
    StoreNumber from = store_number(range->from_us);
    StoreNumber to = store_number(range->to_us);
    if (!store_query_prepared(session, "anomaly_points_read",
                              STORE_PARAMETERS(target.text, step.text, from.text, to.text), &rows, error))
        return error_prefix(error, "could not read a target's steps");
    ret_steps->count = (size_t)pg_result_rows(rows);
    ret_steps->items = ARENA_NEW_ARRAY(arena, StepFigures, ret_steps->count);
    for (size_t i = 0; i < ret_steps->count; i++) {
        ret_steps->items[i].ended_at_us = pg_result_int(rows, (int64_t)i, 0, 0);
        anomaly_reals_parse(pg_result_text(rows, (int64_t)i, 1), ret_steps->items[i].figures,
                            ANOMALY_FIGURES);
    }
    return true;
}

bool
anomaly_points_write(PgConnection *session, int64_t target_id, int64_t step_ms, const StepList *steps,
                     Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("anomaly points", WRITE_BYTES);
    StoreNumber target = store_number(target_id);
    StoreNumber step = store_number(step_ms);
    Text times = observation_array_begin(arena);
    const char **figures = ARENA_NEW_ARRAY(arena, const char *, steps->count);
    for (size_t i = 0; i < steps->count; i++) {
        Text values = observation_array_begin(arena);
        for (int f = 0; f < ANOMALY_FIGURES; f++)
            observation_array_real(&values, steps->items[i].figures[f]);
        observation_array_int(&times, steps->items[i].ended_at_us);
        figures[i] = observation_array_end(&values);
    }
    return steps->count == 0 ||
           store_query(session, "anomaly_points_write",
                       STORE_PARAMETERS(target.text, step.text, observation_array_end(&times),
                                        pg_array_literal(arena, figures, steps->count)),
                       NULL, error) ||
           error_prefix(error, "could not write a target's steps");
}

bool
anomaly_points_delete(PgConnection *session, const StepRange *before, Error *error)
{
    StoreNumber target = store_number(before->target_id);
    StoreNumber step = store_number(before->step_ms);
    StoreNumber from = store_number(before->from_us);
    return store_query(session, "anomaly_points_delete", STORE_PARAMETERS(target.text, step.text, from.text),
                       NULL, error) ||
           error_prefix(error, "could not drop a target's old steps");
}
