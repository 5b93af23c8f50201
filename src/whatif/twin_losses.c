// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_internal.h"

#include "pg/identifier.h"
#include "pg/result.h"

#include <stdlib.h>

#define LOSSES_MOST 100000

bool
twin_losses_write(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin losses", (size_t)256 << 20);
    TextList parts = {0};
    TextList objects = {0};
    TextList reasons = {0};
    for (size_t i = 0; i < twin->report.losses.count && i < LOSSES_MOST; i++) {
        const TwinLoss *loss = &twin->report.losses.items[i];
        vector_push(arena, &parts, arena_printf(arena, "%d", (int)loss->part));
        vector_push(arena, &objects, loss->object);
        vector_push(arena, &reasons, loss->reason);
    }
    const char *parameters[] = {pg_array_literal(arena, parts.items, parts.count),
                                pg_array_literal(arena, objects.items, objects.count),
                                pg_array_literal(arena, reasons.items, reasons.count)};
    return pg_execute_script(twin->admin,
                             "SET client_min_messages = error; "
                             "CREATE TABLE IF NOT EXISTS fettle_twin.loss (part int, number bigint, object "
                             "text, reason text) USING heap; TRUNCATE fettle_twin.loss",
                             NULL, error) &&
           pg_execute_parameters(twin->admin,
                                 "INSERT INTO fettle_twin.loss SELECT l.part, l.number, l.object, l.reason "
                                 "FROM ROWS FROM (unnest($1::int[]), unnest($2::text[]), unnest($3::text[])) "
                                 "WITH ORDINALITY AS l (part, object, reason, number)",
                                 parameters, 3, error);
}

bool
twin_losses_read(Twin *twin, TwinPart part, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {arena_printf(twin->arena, "%d", (int)part)};
    PgQuery query = {.text =
                         "SELECT object, reason FROM fettle_twin.loss WHERE part = $1::int ORDER BY number",
                     .parameters = parameters,
                     .parameter_count = 1,
                     .rows_most = LOSSES_MOST};
    if (!pg_query(twin->admin, &query, &rows, error))
        return false;
    twin->part = part;
    for (int64_t row = 0; row < pg_result_rows(rows); row++)
        twin_lose(twin, arena_strdup(twin->arena, pg_result_text(rows, row, 0)),
                  pg_result_text(rows, row, 1));
    return true;
}
