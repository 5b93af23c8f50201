// SPDX-License-Identifier: PostgreSQL
#include "store/notice.h"

#include "api/handlers/handlers.h"
#include "workflow/notice_text.h"

#define NOTICES_STANDARD 100

static void
delivery_write(JsonWriter *json, const NoticeDelivery *delivery)
{
    json_object_begin(json);
    json_key_int(json, "webhook_id", delivery->webhook_id);
    json_key_string(json, "webhook_name", delivery->webhook_name);
    json_key_string(json, "message_id", delivery->message_id);
    json_key_string(json, "state", delivery->state);
    json_key_int(json, "attempts", delivery->attempts);
    api_json_time(json, "next_attempt_at", delivery->next_attempt_at_us);
    api_json_id(json, "last_status", delivery->last_status);
    json_key_string(json, "last_error", delivery->last_error);
    api_json_time(json, "delivered_at", delivery->delivered_at_us);
    json_object_end(json);
}

static void
notice_write(ApiRequest *request, JsonWriter *json, const Notice *notice)
{
    NoticeText words = notice_text(request->arena, notice);
    json_object_begin(json);
    json_key_int(json, "id", notice->id);
    api_json_time(json, "at", notice->created_at_us);
    json_key_string(json, "event", notice->event);
    api_json_id(json, "target_id", notice->target_id);
    json_key_string(json, "target_name", notice->target_name);
    json_key_string(json, "subject", words.subject);
    json_key_string(json, "text", words.body);
    api_json_embed(json, "data", notice->payload);
    json_key(json, "deliveries");
    json_array_begin(json);
    for (size_t i = 0; i < notice->delivery_count; i++)
        delivery_write(json, &notice->deliveries[i]);
    json_array_end(json);
    json_object_end(json);
}

bool
handle_notices_list(ApiRequest *request, Error *error)
{
    static const char *const events[] = {
#define NOTICE_WORD(id, word) word,
        NOTICE_EVENTS(NOTICE_WORD)
#undef NOTICE_WORD
            NULL,
    };
    NoticeRange range = {0};
    int64_t limit = NOTICES_STANDARD;
    int event = -1;
    PgConnection *session;
    NoticeList list;
    if (!api_parameter_time(request, "from", &range.from_us) ||
        !api_parameter_time(request, "to", &range.to_us) ||
        !api_parameter_word(request, "event", events, -1, &event) ||
        !api_parameter_int(request, "target_id", 1, INT64_MAX, &range.target_id) ||
        !api_parameter_int(request, "before_id", 1, INT64_MAX, &range.before_id) ||
        !api_parameter_int(request, "limit", 1, NOTICES_MOST, &limit))
        return false;
    range.event = event < 0 ? NULL : events[event];
    range.most = (size_t)limit;
    if (!api_session(request, &session, error) || !notice_list(session, request->arena, &range, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "notices");
    for (size_t i = 0; i < list.count; i++)
        notice_write(request, json, &list.items[i]);
    return api_list_reply(request, list.count);
}
