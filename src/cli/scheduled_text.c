// SPDX-License-Identifier: PostgreSQL
#include "cli/scheduled_text.h"

#include "base/clock.h"
#include "cli/recommendation_argument.h"
#include "cli/table.h"

#include <inttypes.h>
#include <string.h>

static void
key_time(JsonWriter *json, const char *key, int64_t at_us)
{
    json_key_string(json, key, at_us == 0 ? NULL : clock_format_utc(json->text->arena, at_us));
}

void
scheduled_json_write(JsonWriter *json, const ScheduledChange *change)
{
    json_object_begin(json);
    json_key_int(json, "scheduled_change_id", change->id);
    json_key_id(json, "recommendation_id", change->recommendation_id);
    json_key_string(json, "recommendation_text", change->text);
    json_key_string(json, "target", change->target_name);
    json_key_string(json, "state", change->state);
    json_key_string(json, "message", change->message);
    json_key_string(json, "moment", change->moment);
    key_time(json, "planned_from", change->from_us);
    key_time(json, "planned_to", change->to_us);
    key_time(json, "expires_at", change->expires_us);
    json_key_string(json, "sql", change->sql);
    json_key_string(json, "requested_by", change->requested_by);
    json_key_id(json, "implementation_id", change->implementation_id);
    key_time(json, "created_at", change->created_at_us);
    key_time(json, "ended_at", change->ended_at_us);
    json_object_end(json);
}

void
scheduled_json_append(Text *text, const ScheduledChange *change)
{
    JsonWriter json = json_writer_new(text, true);
    scheduled_json_write(&json, change);
    text_append_char(text, '\n');
}

void
scheduled_text_append(Text *text, const ScheduledChange *change)
{
    Arena *arena = text->arena;
    bool waits = strcmp(change->state, "waiting") == 0;
    text_append_format(text, "%" PRId64 ". %s\n", change->id, cli_without_controls(arena, change->text));
    text_append_format(text, "  %s of %s, approved by %s\n", change->state, change->target_name,
                       cli_without_controls(arena, change->requested_by));
    if (waits)
        text_append_format(text, "  planned for %s to %s (%s)\n", clock_format_utc(arena, change->from_us),
                           clock_format_utc(arena, change->to_us), change->moment);
    else
        text_append_format(text, "  ended %s\n", clock_format_utc(arena, change->ended_at_us));
    if (change->message != NULL)
        text_append_format(text, "  %s\n", cli_without_controls(arena, change->message));
}
