// SPDX-License-Identifier: PostgreSQL
#include "api/request.h"

#include <inttypes.h>
#include <string.h>

bool
api_field_required(ApiRequest *request, const char *name)
{
    return body_field(request->body, name).kind != BODY_ABSENT ||
           api_refuse(request, 400, "missing_field", "%s is required", name);
}

bool
api_field_text(ApiRequest *request, const char *name, size_t bytes_most, const char **value)
{
    BodyValue field = body_field(request->body, name);
    if (field.kind == BODY_ABSENT)
        return true;
    if (field.kind != BODY_TEXT)
        return api_refuse(request, 400, "invalid_parameter", "%s must be a text", name);
    if (field.text_bytes > bytes_most)
        return api_refuse(request, 400, "invalid_parameter", "%s must not be longer than %zu bytes", name,
                          bytes_most);
    *value = field.text;
    return true;
}

bool
api_field_int(ApiRequest *request, const char *name, int64_t low, int64_t high, int64_t *value)
{
    BodyValue field = body_field(request->body, name);
    if (field.kind == BODY_ABSENT)
        return true;
    if (field.kind != BODY_INT || field.integer < low || field.integer > high)
        return api_refuse(request, 400, "invalid_parameter",
                          "%s must be a whole number from %" PRId64 " to %" PRId64, name, low, high);
    *value = field.integer;
    return true;
}

bool
api_field_bool(ApiRequest *request, const char *name, int *value)
{
    BodyValue field = body_field(request->body, name);
    if (field.kind == BODY_ABSENT)
        return true;
    if (field.kind != BODY_BOOL)
        return api_refuse(request, 400, "invalid_parameter", "%s must be true or false", name);
    *value = field.boolean ? 1 : 0;
    return true;
}

bool
api_field_texts(ApiRequest *request, const char *name, size_t most, const char *const **ret_values,
                size_t *ret_count, bool *ret_is_there)
{
    BodyValue field = body_field(request->body, name);
    *ret_is_there = field.kind != BODY_ABSENT;
    *ret_values = NULL;
    *ret_count = 0;
    if (field.kind == BODY_ABSENT)
        return true;
    size_t count = field.count;
    if (field.kind != BODY_LIST || count > most)
        return api_refuse(request, 400, "invalid_parameter", "%s must be a list of at most %zu texts", name,
                          most);
    const char **values = ARENA_NEW_ARRAY(request->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++) {
        BodyValue item = body_item(&field, i);
        values[i] = item.text;
        if (item.kind != BODY_TEXT)
            return api_refuse(request, 400, "invalid_parameter", "%s must be a list of texts", name);
    }
    *ret_values = values;
    *ret_count = count;
    return true;
}

bool
api_field_role(ApiRequest *request, const char *name, Role *value)
{
    const char *word = NULL;
    if (!api_field_text(request, name, 16, &word))
        return false;
    if (word == NULL)
        return true;
    Role role = role_from_word(word);
    if (role == ROLE_NONE)
        return api_refuse(request, 400, "invalid_parameter", "%s must be one of viewer, operator, admin",
                          name);
    *value = role;
    return true;
}
