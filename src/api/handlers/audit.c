// SPDX-License-Identifier: PostgreSQL
#include "store/audit.h"

#include "api/handlers/handlers.h"

#define LINES_STANDARD 100
#define LINES_MOST 1000

static void
line_write(JsonWriter *json, const AuditLine *line)
{
    json_object_begin(json);
    json_key_int(json, "id", line->id);
    api_json_time(json, "at", line->at_us);
    json_key_string(json, "actor", line->actor);
    json_key_string(json, "role", line->role);
    json_key_string(json, "action", line->action);
    json_key_string(json, "object", line->object);
    api_json_id(json, "target_id", line->target_id);
    json_key_string(json, "request_id", line->request_id);
    json_key_string(json, "outcome", line->outcome);
    api_json_embed(json, "details", line->details);
    json_object_end(json);
}

bool
handle_audit_list(ApiRequest *request, Error *error)
{
    AuditRange range = {0};
    int64_t limit = LINES_STANDARD;
    PgConnection *session;
    AuditLines lines;
    if (!api_parameter_time(request, "from", &range.from_us) ||
        !api_parameter_time(request, "to", &range.to_us) ||
        !api_parameter_text(request, "actor", &range.actor) ||
        !api_parameter_text(request, "action", &range.action) ||
        !api_parameter_int(request, "target_id", 1, INT64_MAX, &range.target_id) ||
        !api_parameter_int(request, "before_id", 1, INT64_MAX, &range.before_id) ||
        !api_parameter_int(request, "limit", 1, LINES_MOST, &limit))
        return false;
    range.most = (size_t)limit;
    if (!api_session(request, &session, error) || !audit_read(session, request->arena, &range, &lines, error))
        return false;
    JsonWriter *json = api_list_begin(request, "lines");
    for (size_t i = 0; i < lines.count; i++)
        line_write(json, &lines.items[i]);
    return api_list_reply(request, lines.count);
}
