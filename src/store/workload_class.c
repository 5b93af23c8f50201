// SPDX-License-Identifier: PostgreSQL
#include "store/workload_class.h"

#include "pg/identifier.h"
#include "store/sample_internal.h"

#define WRITE_BYTES ((size_t)1 << 30)

enum { DATABASE, CLASS, WEIGHT, CADENCE, NEXT_CLASS, NEXT_WEIGHT, NEXT_CADENCE, TEXTS };

bool
workload_classes_write(PgConnection *session, int64_t target_id, const WorkloadClasses *classes, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload classes", WRITE_BYTES);
    const char **texts[TEXTS];
    const char *arrays[TEXTS];
    int64_t *hashes = ARENA_NEW_ARRAY(arena, int64_t, classes->count);
    StoreNumber target = store_number(target_id);
    for (size_t t = 0; t < TEXTS; t++)
        texts[t] = ARENA_NEW_ARRAY(arena, const char *, classes->count);
    for (size_t i = 0; i < classes->count; i++) {
        const WorkloadClass *class = &classes->items[i];
        const char *values[TEXTS] = {class->database_name, class->class,      class->weight,
                                     class->cadence,       class->next_class, class->next_weight,
                                     class->next_cadence};
        for (size_t t = 0; t < TEXTS; t++)
            texts[t][i] = values[t];
        hashes[i] = class->query_hash;
    }
    for (size_t t = 0; t < TEXTS; t++)
        arrays[t] = pg_array_literal(arena, texts[t], classes->count);
    return store_query(session, "workload_classes_write",
                       STORE_PARAMETERS(target.text, arrays[DATABASE],
                                        sample_numbers_text(arena, hashes, classes->count), arrays[CLASS],
                                        arrays[WEIGHT], arrays[CADENCE], arrays[NEXT_CLASS],
                                        arrays[NEXT_WEIGHT], arrays[NEXT_CADENCE]),
                       NULL, error) ||
           error_prefix(error, "could not write the classes of statements");
}

bool
workload_classes_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                      WorkloadClasses *ret_classes, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "workload_classes_read", STORE_PARAMETERS(target.text, database_name), &rows,
                     error))
        return error_prefix(error, "could not read the classes of statements");
    WorkloadClasses classes = {.count = (size_t)pg_result_rows(rows)};
    classes.items = ARENA_NEW_ARRAY(arena, WorkloadClass, classes.count);
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        classes.items[row] =
            (WorkloadClass){.database_name = arena_strdup(arena, pg_result_text(rows, row, 0)),
                            .query_hash = pg_result_int(rows, row, 1, 0),
                            .class = arena_strdup(arena, pg_result_text(rows, row, 2)),
                            .weight = arena_strdup(arena, pg_result_text(rows, row, 3)),
                            .cadence = arena_strdup(arena, pg_result_text(rows, row, 4)),
                            .next_class = arena_strdup(arena, pg_result_text(rows, row, 5)),
                            .next_weight = arena_strdup(arena, pg_result_text(rows, row, 6)),
                            .next_cadence = arena_strdup(arena, pg_result_text(rows, row, 7)),
                            .changed_at_us = pg_result_int(rows, row, 8, 0)};
    *ret_classes = classes;
    return true;
}
