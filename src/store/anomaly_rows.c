// SPDX-License-Identifier: PostgreSQL
#include "store/anomaly_rows.h"

#include "store/store_internal.h"

#include <math.h>

bool
anomaly_rows_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t from_us,
                  AnomalyRows *ret_rows, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber from = store_number(from_us);
    StoreNumber most = store_number(ANOMALY_ROWS_MOST);
    if (!store_query(session, "anomaly_rows_read", STORE_PARAMETERS(target.text, from.text, most.text), &rows,
                     error))
        return error_prefix(error, "could not read anomalies");
    AnomalyRows found = {.count = (size_t)pg_result_rows(rows)};
    found.items = ARENA_NEW_ARRAY(arena, AnomalyRow, found.count);
    for (size_t i = 0; i < found.count; i++) {
        int64_t row = (int64_t)i;
        found.items[i] = (AnomalyRow){.id = pg_result_int(rows, row, 0, 0),
                                      .query_hash = pg_result_int(rows, row, 1, 0),
                                      .anomaly_type = arena_strdup(arena, pg_result_text(rows, row, 2)),
                                      .severity = arena_strdup(arena, pg_result_text(rows, row, 3)),
                                      .metric_name = arena_strdup(arena, pg_result_text(rows, row, 4)),
                                      .metric_value = pg_result_double(rows, row, 5, NAN),
                                      .baseline_value = pg_result_double(rows, row, 6, NAN),
                                      .z_score = pg_result_double(rows, row, 7, NAN),
                                      .detected_at_us = pg_result_int(rows, row, 8, 0),
                                      .is_resolved = pg_result_bool(rows, row, 9),
                                      .resolved_at_us = pg_result_int(rows, row, 10, 0)};
    }
    *ret_rows = found;
    return true;
}
