// SPDX-License-Identifier: PostgreSQL
#include "store/job.h"

#include "store/store_internal.h"

#define JOBS_MOST 1000

bool
job_begin(PgConnection *session, const char *kind, int64_t target_id, int64_t *ret_id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *begun = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "job_begin", STORE_PARAMETERS(kind, target_id == 0 ? NULL : target.text),
                     &begun, error))
        return error_prefix(error, "could not record the job");
    *ret_id = pg_result_int(begun, 0, 0, 0);
    return true;
}

static bool
job_refuse_unknown(int64_t id, Error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "there is no such job: %" PRId64, id);
}

bool
job_end(PgConnection *session, int64_t id, const char *failure, const char *result, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *ended = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "job_end", STORE_PARAMETERS(number.text, failure, result), &ended, error))
        return error_prefix(error, "could not record the job's end");
    return pg_result_rows(ended) == 1 || job_refuse_unknown(id, error);
}

static void
job_read_row(const PgResult *rows, int64_t row, Arena *arena, Job *job)
{
    *job = (Job){.id = pg_result_int(rows, row, 0, 0),
                 .kind = arena_strdup(arena, pg_result_text(rows, row, 1)),
                 .status = arena_strdup(arena, pg_result_text(rows, row, 2)),
                 .target_id = pg_result_int(rows, row, 3, 0),
                 .error_message = arena_strdup(arena, pg_result_text(rows, row, 4)),
                 .result = arena_strdup(arena, pg_result_text(rows, row, 5)),
                 .created_at_us = pg_result_int(rows, row, 6, 0),
                 .started_at_us = pg_result_int(rows, row, 7, 0),
                 .completed_at_us = pg_result_int(rows, row, 8, 0)};
}

bool
job_get(PgConnection *session, Arena *arena, int64_t id, Job *ret_job, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "job_list", STORE_PARAMETERS(number.text, NULL, NULL, NULL, NULL, "1"), &rows,
                     error))
        return error_prefix(error, "could not read the job");
    if (pg_result_rows(rows) == 0)
        return job_refuse_unknown(id, error);
    job_read_row(rows, 0, arena, ret_job);
    return true;
}

bool
job_list(PgConnection *session, Arena *arena, const Job *like, int64_t before_id, size_t most,
         JobList *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    fettle_assert(most >= 1 && most <= JOBS_MOST);
    StoreNumber target = store_number(like->target_id);
    StoreNumber before = store_number(before_id);
    StoreNumber limit = store_number((int64_t)most);
    if (!store_query_prepared(session, "job_list",
                              STORE_PARAMETERS(NULL, like->kind, like->status,
                                               like->target_id == 0 ? NULL : target.text,
                                               before_id == 0 ? NULL : before.text, limit.text),
                              &rows, error))
        return error_prefix(error, "could not read the jobs");
    ret_list->count = (size_t)pg_result_rows(rows);
    ret_list->items = ARENA_NEW_ARRAY(arena, Job, ret_list->count);
    for (size_t i = 0; i < ret_list->count; i++)
        job_read_row(rows, (int64_t)i, arena, &ret_list->items[i]);
    return true;
}

bool
job_clean_up(PgConnection *session, Error *error)
{
    return store_query(session, "job_clean_up", NULL, 0, NULL, error) ||
           error_prefix(error, "could not clean up the jobs");
}

bool
job_expire(PgConnection *session, int64_t kept_ms, Error *error)
{
    StoreNumber kept = store_number(kept_ms);
    return store_query(session, "job_expire", STORE_PARAMETERS(kept.text), NULL, error) ||
           error_prefix(error, "could not remove old jobs");
}
