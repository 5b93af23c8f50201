// SPDX-License-Identifier: PostgreSQL
#include "workload/template.h"

#include "base/map.h"
#include "store/sample_calls.h"
#include "store/sample_read.h"

#include <math.h>

#define HISTORY_US ((int64_t)TEMPLATE_HISTORY_DAYS * 24 * 3600 * 1000000)
#define HOUR_US (INT64_C(3600) * 1000000)
#define US_PER_MS 1000.0

static WorkloadTemplate
template_of(const SampleTotal *total)
{
    const int64_t *counters = total->counters;
    return (WorkloadTemplate){
        .database_name = total->database_name,
        .query_hash = total->query_hash,
        .text = total->query_text,
        .observed_seconds = total->observed_seconds,
        .calls = (double)counters[SAMPLE_CALLS],
        .total_ms = (double)counters[SAMPLE_EXEC_US] / US_PER_MS,
        .deviation_ms = (double)counters[SAMPLE_EXEC_DEVIATION_US] / US_PER_MS,
        .rows = (double)counters[SAMPLE_ROWS],
        .blocks_hit = (double)counters[SAMPLE_SHARED_HIT],
        .blocks_read = (double)counters[SAMPLE_SHARED_READ],
        .temp_blocks = (double)counters[SAMPLE_TEMP_READ] + (double)counters[SAMPLE_TEMP_WRITTEN],
        .io_ms = ((double)counters[SAMPLE_READ_US] + (double)counters[SAMPLE_WRITE_US]) / US_PER_MS,
        .wal_bytes = (double)counters[SAMPLE_WAL_BYTES]};
}

static bool
history_read(PgConnection *session, Arena *arena, const SampleRange *range, WorkloadTemplates *templates,
             Error *error)
{
    SampleCallsList calls;
    SampleRange lately = *range;
    if (lately.to_us - lately.from_us > HISTORY_US)
        lately.from_us = lately.to_us - HISTORY_US;
    if (!sample_calls_read(session, arena, &lately, &calls, error)) {
        if (error->code != ERROR_LIMIT)
            return false;
        templates->missing = arena_printf(arena, "arrivals by hour are not known: %s", error->message);
        *error = (Error){0};
        return true;
    }
    Map *places = map_new(arena);
    for (size_t i = 0; i < calls.count; i++)
        map_put(places,
                arena_printf(arena, "%lld %s", (long long)calls.items[i].query_hash,
                             calls.items[i].database_name),
                calls.items[i].hours);
    for (size_t i = 0; i < templates->count; i++)
        templates->items[i].hours =
            map_get(places, arena_printf(arena, "%lld %s", (long long)templates->items[i].query_hash,
                                         templates->items[i].database_name));
    templates->hour_count = calls.hours;
    templates->from_hour = calls.from_us / HOUR_US;
    return true;
}

bool
templates_read(PgConnection *session, Arena *arena, const TemplateRange *range,
               WorkloadTemplates *ret_templates, Error *error)
{
    SampleTotal *totals = NULL;
    WorkloadTemplates templates = {0};
    SampleRange samples = {.target_id = range->target_id,
                           .from_us = range->from_us,
                           .to_us = range->to_us,
                           .database_name = range->database_name};
    if (!sample_top_read(session, arena, &samples, SAMPLE_BY_TIME, TEMPLATES_MOST, &totals, &templates.count,
                         error))
        return false;
    templates.items = ARENA_NEW_ARRAY(arena, WorkloadTemplate, templates.count);
    size_t left_out = 0;
    for (size_t i = 0; i < templates.count; i++) {
        templates.items[i] = template_of(&totals[i]);
        templates.total_ms += templates.items[i].total_ms;
        left_out += totals[i].is_text_left_out;
    }
    if (templates.count == TEMPLATES_MOST)
        templates.missing = "only the 10,000 statements with the most time are looked at";
    if (left_out > 0)
        templates.missing = arena_printf(
            arena, "the texts of %zu statements are not looked at: those with more time have %d MB of text",
            left_out, (int)(SAMPLE_TOP_TEXT_BYTES_MOST >> 20));
    if (range->with_history && templates.count > 0 &&
        !history_read(session, arena, &samples, &templates, error))
        return false;
    *ret_templates = templates;
    return true;
}

const char *
template_label(Arena *arena, const char *text, size_t most)
{
    Text label = text_new(arena);
    bool is_space = false;
    if (text == NULL)
        return "(text not known)";
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        unsigned char next = (unsigned char)at[1];
        bool is_c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F; /* which terminals obey too */
        if (byte <= ' ' || byte == 127 || is_c1) {
            is_space = label.length > 0;
            at += is_c1;
            continue;
        }
        bool begins_character = (byte & 0xC0) != 0x80;
        if (begins_character && label.length + 8 > most) {
            text_append(&label, "…");
            break;
        }
        if (is_space)
            text_append_char(&label, ' ');
        text_append_char(&label, *at);
        is_space = false;
    }
    return label.data;
}
