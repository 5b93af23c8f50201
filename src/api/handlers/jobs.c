// SPDX-License-Identifier: PostgreSQL
#include "api/handlers/handlers.h"

#include "store/job.h"

#define JOBS_STANDARD 50
#define JOBS_MOST 1000

static void
job_write(JsonWriter *json, const Job *job)
{
    json_object_begin(json);
    json_key_int(json, "id", job->id);
    json_key_string(json, "kind", job->kind);
    json_key_string(json, "status", job->status);
    api_json_id(json, "target_id", job->target_id);
    json_key_string(json, "error_message", job->error_message);
    api_json_embed(json, "result", job->result);
    api_json_time(json, "created_at", job->created_at_us);
    api_json_time(json, "started_at", job->started_at_us);
    api_json_time(json, "completed_at", job->completed_at_us);
    json_object_end(json);
}

bool
handle_jobs_list(ApiRequest *request, Error *error)
{
    static const char *const statuses[] = {"pending", "running", "completed", "failed", "cancelled", NULL};
    Job like = {0};
    int status;
    int64_t before_id = 0;
    int64_t limit = JOBS_STANDARD;
    PgConnection *session;
    JobList list;
    if (!api_parameter_text(request, "kind", &like.kind) ||
        !api_parameter_word(request, "status", statuses, -1, &status) ||
        !api_parameter_int(request, "target_id", 1, INT64_MAX, &like.target_id) ||
        !api_parameter_int(request, "before_id", 1, INT64_MAX, &before_id) ||
        !api_parameter_int(request, "limit", 1, JOBS_MOST, &limit))
        return false;
    like.status = status < 0 ? NULL : statuses[status];
    if (!api_session(request, &session, error) ||
        !job_list(session, request->arena, &like, before_id, (size_t)limit, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "jobs");
    for (size_t i = 0; i < list.count; i++)
        job_write(json, &list.items[i]);
    return api_list_reply(request, list.count);
}

bool
handle_job_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    Job job;
    if (!api_session(request, &session, error) || !job_get(session, request->arena, request->id, &job, error))
        return false;
    job_write(api_json(request), &job);
    return api_reply(request, 200);
}
