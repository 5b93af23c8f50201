// SPDX-License-Identifier: PostgreSQL
#include "store/audit.h"

#include "store/store_internal.h"

#define LINES_MOST 1000

bool
audit_write(PgConnection *session, const AuditLine *line, Error *error)
{
    StoreNumber target = store_number(line->target_id);
    return store_query(session, "audit_write",
                       STORE_PARAMETERS(line->actor, line->role, line->action, line->object,
                                        line->target_id == 0 ? NULL : target.text, line->request_id,
                                        line->outcome, line->details),
                       NULL, error) ||
           error_prefix(error, "could not write the audit log");
}

static void
audit_read_row(const PgResult *rows, int64_t row, Arena *arena, AuditLine *line)
{
    *line = (AuditLine){.id = pg_result_int(rows, row, 0, 0),
                        .at_us = pg_result_int(rows, row, 1, 0),
                        .actor = arena_strdup(arena, pg_result_text(rows, row, 2)),
                        .role = arena_strdup(arena, pg_result_text(rows, row, 3)),
                        .action = arena_strdup(arena, pg_result_text(rows, row, 4)),
                        .object = arena_strdup(arena, pg_result_text(rows, row, 5)),
                        .target_id = pg_result_int(rows, row, 6, 0),
                        .request_id = arena_strdup(arena, pg_result_text(rows, row, 7)),
                        .outcome = arena_strdup(arena, pg_result_text(rows, row, 8)),
                        .details = arena_strdup(arena, pg_result_text(rows, row, 9))};
}

bool
audit_read(PgConnection *session, Arena *arena, const AuditRange *range, AuditLines *ret_lines, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(range->most >= 1 && range->most <= LINES_MOST);
    StoreNumber from = store_number(range->from_us);
    StoreNumber to = store_number(range->to_us);
    StoreNumber target = store_number(range->target_id);
    StoreNumber before = store_number(range->before_id);
    StoreNumber most = store_number((int64_t)range->most);
    if (!store_query(session, "audit_read",
                     STORE_PARAMETERS(range->from_us == 0 ? NULL : from.text,
                                      range->to_us == 0 ? NULL : to.text, range->actor, range->action,
                                      range->target_id == 0 ? NULL : target.text,
                                      range->before_id == 0 ? NULL : before.text, most.text),
                     &rows, error))
        return error_prefix(error, "could not read the audit log");
    ret_lines->count = (size_t)pg_result_rows(rows);
    ret_lines->items = ARENA_NEW_ARRAY(arena, AuditLine, ret_lines->count);
    for (size_t i = 0; i < ret_lines->count; i++)
        audit_read_row(rows, (int64_t)i, arena, &ret_lines->items[i]);
    return true;
}

bool
audit_drop_old(PgConnection *session, int64_t kept_ms, int64_t *ret_dropped, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *dropped = NULL;
    StoreNumber kept = store_number(kept_ms);
    if (!store_query(session, "audit_drop", STORE_PARAMETERS(kept.text), &dropped, error))
        return error_prefix(error, "could not drop old months of the audit log");
    *ret_dropped = pg_result_int(dropped, 0, 0, 0);
    return true;
}
