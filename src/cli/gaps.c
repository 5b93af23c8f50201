// SPDX-License-Identifier: PostgreSQL
#include "cli/gaps.h"

void
gaps_write_json(JsonWriter *json, const char *key, const SnapshotGap *gaps, size_t count)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(json);
        json_key_string(json, "subject", gaps[i].subject);
        json_key_string(json, "reason", gaps[i].reason);
        json_key_string(json, "remedy", gaps[i].remedy);
        json_object_end(json);
    }
    json_array_end(json);
}
