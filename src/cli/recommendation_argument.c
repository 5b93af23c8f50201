// SPDX-License-Identifier: PostgreSQL
#include "cli/recommendation_argument.h"

bool
recommendation_argument(const char *text, int64_t *ret_id, Error *error)
{
    if (text_parse_int64(text, ret_id) && *ret_id >= 1)
        return true;
    error_set(error, ERROR_USAGE, "\"%.40s\" is no number of a recommendation", text);
    return error_set_hint(error, "\"fettle recommendations\" shows them");
}

void
json_key_id(JsonWriter *json, const char *key, int64_t id)
{
    json_key(json, key);
    if (id == 0)
        json_write_null(json);
    else
        json_int(json, id);
}
