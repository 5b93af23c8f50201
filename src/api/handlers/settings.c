// SPDX-License-Identifier: PostgreSQL
#include "store/setting_row.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

#include <string.h>

#define SETTING_VALUE_BYTES 4096

void
after_settings_changed(ApiRequest *request)
{
    const ApiContext *context = &request->api->context;
    if (context->settings_changed != NULL)
        context->settings_changed(context->server);
}

static const char *
type_word(SettingType type)
{
    static const char *const words[] = {"bool", "int", "double", "duration", "size", "text", "secret"};
    return words[type];
}

static const char *
effect_word(SettingEffect effect)
{
    return effect == SETTING_RELOAD ? "reload" : "restart";
}

static const char *
hidden(const SettingInfo *info, const char *value)
{
    return info->type == SETTING_SECRET && value[0] != '\0' ? "***" : value;
}

static void
setting_write(JsonWriter *json, const Settings *settings, SettingId id, const SettingRows *rows)
{
    const SettingInfo *info = setting_info(id);
    const SettingRow *row = NULL;
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->items[i].name, info->name) == 0)
            row = &rows->items[i];
    json_object_begin(json);
    json_key_string(json, "name", info->name);
    json_key_string(json, "value", settings_get_shown(settings, id));
    json_key_string(json, "default", hidden(info, info->standard));
    json_key_string(json, "source", settings_get_source(settings, id));
    json_key_string(json, "stored_value", row == NULL ? NULL : hidden(info, row->value));
    json_key_string(json, "type", type_word(info->type));
    json_key_string(json, "effect", effect_word(info->effect));
    json_key_bool(json, "can_be_set", setting_row_is_allowed(id));
    json_key_string(json, "documentation", info->documentation);
    json_key_string(json, "changed_by", row == NULL ? NULL : row->changed_by);
    api_json_time(json, "changed_at", row == NULL ? 0 : row->changed_at_us);
    json_object_end(json);
}

bool
handle_settings_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    SettingRows rows;
    if (!api_session(request, &session, error) || !setting_rows_read(session, request->arena, &rows, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key(json, "settings");
    json_array_begin(json);
    for (int id = 0; id < SETTING_COUNT; id++)
        setting_write(json, request->settings, (SettingId)id, &rows);
    json_array_end(json);
    json_key_int(json, "count", SETTING_COUNT);
    json_object_end(json);
    return api_reply(request, 200);
}

/* The setting that the path names; 404 when there is none. */
static bool
setting_find(ApiRequest *request, SettingId *ret_id)
{
    for (int id = 0; id < SETTING_COUNT; id++)
        if (strcmp(setting_info((SettingId)id)->name, request->name) == 0) {
            *ret_id = (SettingId)id;
            request->object = arena_printf(request->arena, "setting:%s", request->name);
            return true;
        }
    return api_refuse(request, 404, "not_found", "there is no setting called \"%.100s\"", request->name);
}

/* A text, number or boolean of the body as the text that a settings file would have. */
static bool
value_field(ApiRequest *request, const char **ret_value)
{
    BodyValue field = body_field(request->body, "value");
    if (!api_field_required(request, "value"))
        return false;
    switch (field.kind) {
        case BODY_BOOL: *ret_value = field.boolean ? "on" : "off"; return true;
        case BODY_INT:
            *ret_value = arena_printf(request->arena, "%lld", (long long)field.integer);
            return true;
        case BODY_REAL: *ret_value = arena_printf(request->arena, "%.17g", field.real); return true;
        case BODY_TEXT: return api_field_text(request, "value", SETTING_VALUE_BYTES, ret_value);
        default:
            return api_refuse(request, 400, "invalid_parameter",
                              "value must be a text, a number or a boolean");
    }
}

static bool
setting_reply(ApiRequest *request, PgConnection *session, SettingId id, const char *value, Error *error)
{
    SettingRows rows;
    if (!setting_rows_read(session, request->arena, &rows, error))
        return false;
    const SettingInfo *info = setting_info(id);
    request->after = after_settings_changed;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "name", info->name);
    json_key_string(json, "stored_value", value == NULL ? NULL : hidden(info, value));
    json_key_string(json, "effect", effect_word(info->effect));
    json_key_string(json, "message",
                    info->effect == SETTING_RELOAD ? "takes effect now" : "takes effect at the next start");
    json_object_end(json);
    return api_reply(request, 200);
}

static const char *
value_details(ApiRequest *request, const SettingInfo *info, const char *value)
{
    Text text = text_new(request->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "value", hidden(info, value));
    json_object_end(&json);
    return text.data;
}

bool
handle_setting_set(ApiRequest *request, Error *error)
{
    SettingId id;
    const char *value = NULL;
    PgConnection *session;
    if (!value_field(request, &value) || !setting_find(request, &id))
        return false;
    request->details = value_details(request, setting_info(id), value);
    return api_session(request, &session, error) &&
           setting_row_set(session, request->name, value, request->caller.actor, error) &&
           setting_reply(request, session, id, value, error);
}

bool
handle_setting_reset(ApiRequest *request, Error *error)
{
    SettingId id;
    PgConnection *session;
    return setting_find(request, &id) && api_session(request, &session, error) &&
           setting_row_reset(session, request->name, error) &&
           setting_reply(request, session, id, NULL, error);
}
