// SPDX-License-Identifier: PostgreSQL
#include "store/anomaly.h"

#include "store/observation_internal.h"
#include "store/sample_internal.h"

#include <math.h>

#define WRITE_BYTES ((size_t)1 << 30)

bool
anomaly_state_read(PgConnection *session, int64_t target_id, int64_t from_us, AnomalyState *ret_state,
                   int64_t *ret_since_us, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber from = store_number(from_us);
    if (!store_query_prepared(session, "anomaly_state_read", STORE_PARAMETERS(target.text, from.text), &rows,
                              error))
        return error_prefix(error, "could not read how far a target was looked at");
    *ret_since_us = pg_result_int(rows, 0, 0, 0);
    *ret_state = (AnomalyState){.step_ms = pg_result_int(rows, 0, 1, 0),
                                .evaluated_to_us = pg_result_int(rows, 0, 2, 0),
                                .baselines_at_us = pg_result_int(rows, 0, 3, 0),
                                .baseline_points = pg_result_int(rows, 0, 4, 0)};
    return true;
}

bool
anomaly_state_write(PgConnection *session, int64_t target_id, const AnomalyState *state, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber step = store_number(state->step_ms);
    StoreNumber evaluated = store_number(state->evaluated_to_us);
    StoreNumber baselines = store_number(state->baselines_at_us);
    StoreNumber points = store_number(state->baseline_points);
    return store_query_prepared(
               session, "anomaly_state_write",
               STORE_PARAMETERS(target.text, step.text, state->evaluated_to_us == 0 ? NULL : evaluated.text,
                                state->baselines_at_us == 0 ? NULL : baselines.text, points.text),
               NULL, error) ||
           error_prefix(error, "could not write how far a target was looked at");
}

/* Columns of rows as array parameters. */
enum { USUAL, DEVIATION, LEAST, GREATEST, SCALE, TAIL_LOW, TAIL_HIGH, REALS };

static void
baseline_reals_append(Text *reals, const BaselineRow *row)
{
    const double values[REALS] = {
        [USUAL] = row->usual,        [DEVIATION] = row->deviation, [LEAST] = row->least,
        [GREATEST] = row->greatest,  [SCALE] = row->scale,         [TAIL_LOW] = row->tail_low,
        [TAIL_HIGH] = row->tail_high};
    for (size_t i = 0; i < REALS; i++)
        observation_array_real(&reals[i], values[i]);
}

bool
baselines_write(PgConnection *session, int64_t target_id, int64_t step_ms, const BaselineRows *rows,
                Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("baselines", WRITE_BYTES);
    Text hashes = observation_array_begin(arena);
    Text points = observation_array_begin(arena);
    Text reals[REALS];
    const char **names = ARENA_NEW_ARRAY(arena, const char *, rows->count);
    const char **centres = ARENA_NEW_ARRAY(arena, const char *, rows->count);
    for (size_t i = 0; i < REALS; i++)
        reals[i] = observation_array_begin(arena);
    for (size_t i = 0; i < rows->count; i++) {
        const BaselineRow *row = &rows->items[i];
        Text hours = observation_array_begin(arena);
        for (size_t h = 0; h < ANOMALY_DAY_HOURS; h++)
            observation_array_real(&hours, row->centres[h]);
        observation_array_int(&hashes, row->query_hash);
        observation_array_int(&points, row->points);
        baseline_reals_append(reals, row);
        names[i] = row->metric_name;
        centres[i] = observation_array_end(&hours);
    }
    StoreNumber target = store_number(target_id);
    StoreNumber step = store_number(step_ms);
    const char *texts[REALS];
    for (size_t i = 0; i < REALS; i++)
        texts[i] = observation_array_end(&reals[i]);
    return store_query(session, "baselines_write",
                       STORE_PARAMETERS(target.text, observation_array_end(&hashes),
                                        pg_array_literal(arena, names, rows->count), step.text, texts[USUAL],
                                        texts[DEVIATION], texts[LEAST], texts[GREATEST],
                                        observation_array_end(&points),
                                        pg_array_literal(arena, centres, rows->count), texts[SCALE],
                                        texts[TAIL_LOW], texts[TAIL_HIGH]),
                       NULL, error) ||
           error_prefix(error, "could not write baselines");
}

bool
baselines_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t step_ms, const int hours[2],
               BaselineRows *ret_rows, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber step = store_number(step_ms);
    StoreNumber first = store_number(hours[0]);
    StoreNumber second = store_number(hours[1]);
    if (!store_query_prepared(session, "baselines_read",
                              STORE_PARAMETERS(target.text, step.text, first.text, second.text), &rows,
                              error))
        return error_prefix(error, "could not read baselines");
    ret_rows->count = (size_t)pg_result_rows(rows);
    ret_rows->items = ARENA_NEW_ARRAY(arena, BaselineRow, ret_rows->count);
    for (int64_t i = 0; i < pg_result_rows(rows); i++) {
        BaselineRow *row = &ret_rows->items[i];
        *row = (BaselineRow){.query_hash = pg_result_int(rows, i, 0, 0),
                             .metric_name = arena_strdup(arena, pg_result_text(rows, i, 1)),
                             .points = pg_result_int(rows, i, 2, 0),
                             .scale = pg_result_double(rows, i, 5, NAN),
                             .tail_low = pg_result_double(rows, i, 6, NAN),
                             .tail_high = pg_result_double(rows, i, 7, NAN)};
        for (size_t h = 0; h < ANOMALY_DAY_HOURS; h++)
            row->centres[h] = NAN;
        if (row->query_hash == 0)
            anomaly_reals_parse(pg_result_text(rows, i, 8), row->centres, ANOMALY_DAY_HOURS);
        row->centres[hours[0]] = pg_result_double(rows, i, 3, NAN);
        row->centres[hours[1]] = pg_result_double(rows, i, 4, NAN);
    }
    return true;
}

enum { VALUE, BASELINE, SCALE_VALUE, Z, ROW_REALS };
enum { TYPE, SEVERITY, METRIC, RAW, ROW_TEXTS };

bool
anomalies_write(PgConnection *session, int64_t target_id, int64_t at_us, const AnomalyRows *rows,
                Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("anomalies", WRITE_BYTES);
    const char **texts[ROW_TEXTS];
    Text reals[ROW_REALS];
    Text ids = observation_array_begin(arena);
    Text hashes = observation_array_begin(arena);
    Text times = observation_array_begin(arena);
    Text ends = observation_array_begin(arena);
    Text incidents = observation_array_begin(arena);
    StoreNumber target = store_number(target_id);
    for (size_t i = 0; i < ROW_TEXTS; i++)
        texts[i] = ARENA_NEW_ARRAY(arena, const char *, rows->count);
    for (size_t i = 0; i < ROW_REALS; i++)
        reals[i] = observation_array_begin(arena);
    for (size_t i = 0; i < rows->count; i++) {
        const AnomalyRow *row = &rows->items[i];
        observation_array_int(&ids, row->id);
        observation_array_int(&hashes, row->query_hash);
        observation_array_int(&times, at_us);
        observation_array_bool(&ends, row->resolved);
        observation_array_int(&incidents, row->incident_id);
        texts[TYPE][i] = row->anomaly_type;
        texts[SEVERITY][i] = row->severity;
        texts[METRIC][i] = row->metric_name;
        texts[RAW][i] = row->raw_metrics_json;
        observation_array_real(&reals[VALUE], row->metric_value);
        observation_array_real(&reals[BASELINE], row->baseline_value);
        observation_array_real(&reals[SCALE_VALUE], row->deviation);
        observation_array_real(&reals[Z], row->z_score);
    }
    return rows->count == 0 ||
           store_query(session, "anomalies_write",
                       STORE_PARAMETERS(
                           target.text, observation_array_end(&ids), observation_array_end(&hashes),
                           pg_array_literal(arena, texts[TYPE], rows->count),
                           pg_array_literal(arena, texts[SEVERITY], rows->count),
                           pg_array_literal(arena, texts[METRIC], rows->count),
                           observation_array_end(&reals[VALUE]), observation_array_end(&reals[BASELINE]),
                           observation_array_end(&reals[SCALE_VALUE]), observation_array_end(&reals[Z]),
                           pg_array_literal(arena, texts[RAW], rows->count), observation_array_end(&times),
                           observation_array_end(&ends), observation_array_end(&incidents)),
                       NULL, error) ||
           error_prefix(error, "could not write anomalies");
}

bool
anomalies_drop(PgConnection *session, int64_t target_id, int64_t rows_before_us, int64_t incidents_before_us,
               Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber rows = store_number(rows_before_us);
    StoreNumber incidents = store_number(incidents_before_us);
    return store_query(session, "anomalies_drop", STORE_PARAMETERS(target.text, rows.text, incidents.text),
                       NULL, error) ||
           error_prefix(error, "could not drop old anomalies");
}

static AnomalyRow
row_of(Arena *arena, const PgResult *rows, int64_t i)
{
    return (AnomalyRow){.id = pg_result_int(rows, i, 0, 0),
                        .target_id = pg_result_int(rows, i, 1, 0),
                        .query_hash = pg_result_int(rows, i, 2, 0),
                        .anomaly_type = arena_strdup(arena, pg_result_text(rows, i, 3)),
                        .severity = arena_strdup(arena, pg_result_text(rows, i, 4)),
                        .metric_name = arena_strdup(arena, pg_result_text(rows, i, 5)),
                        .metric_value = pg_result_double(rows, i, 6, NAN),
                        .baseline_value = pg_result_double(rows, i, 7, NAN),
                        .deviation = pg_result_double(rows, i, 8, NAN),
                        .z_score = pg_result_double(rows, i, 9, NAN),
                        .raw_metrics_json = arena_strdup(arena, pg_result_text(rows, i, 10)),
                        .detected_at_us = pg_result_int(rows, i, 11, 0),
                        .last_seen_at_us = pg_result_int(rows, i, 12, 0),
                        .resolved = pg_result_bool(rows, i, 13),
                        .resolved_at_us = pg_result_int(rows, i, 14, 0),
                        .incident_id = pg_result_int(rows, i, 15, 0)};
}

bool
anomalies_read(PgConnection *session, Arena *arena, const AnomalyFilter *filter, AnomalyRows *ret_rows,
               Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(filter->most >= 1 && filter->most <= ANOMALIES_OPEN_MOST);
    StoreNumber target = store_number(filter->target_id);
    StoreNumber since = store_number(filter->since_us);
    StoreNumber most = store_number((int64_t)filter->most);
    const char *resolved = filter->resolved == 1 ? "t" : "f";
    if (!store_query(session, "anomalies_read",
                     STORE_PARAMETERS(filter->target_id == 0 ? NULL : target.text, filter->severity,
                                      filter->type, filter->resolved < 0 ? NULL : resolved,
                                      filter->since_us == 0 ? NULL : since.text, most.text),
                     &rows, error))
        return error_prefix(error, "could not read anomalies");
    ret_rows->count = (size_t)pg_result_rows(rows);
    ret_rows->items = ARENA_NEW_ARRAY(arena, AnomalyRow, ret_rows->count);
    for (int64_t i = 0; i < pg_result_rows(rows); i++)
        ret_rows->items[i] = row_of(arena, rows, i);
    return true;
}
