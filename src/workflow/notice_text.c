// SPDX-License-Identifier: PostgreSQL
#include "workflow/notice_text.h"

#include "base/clock.h"
#include "base/json_writer.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define ELLIPSIS "…"
#define DIGEST_NAMED_MOST 20

/* One code point of valid UTF-8; its length in bytes. */
static size_t
code_point(const char *text, uint32_t *ret_point)
{
    const unsigned char *at = (const unsigned char *)text;
    static const struct {
        unsigned char mask;
        unsigned char lead;
        size_t length;
    } forms[] = {{0x80, 0x00, 1}, {0xe0, 0xc0, 2}, {0xf0, 0xe0, 3}, {0xf8, 0xf0, 4}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(forms); i++) {
        if ((at[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t point = at[0] & (unsigned char)~forms[i].mask;
        for (size_t byte = 1; byte < forms[i].length; byte++)
            point = point << 6 | (at[byte] & 0x3f);
        *ret_point = point;
        return forms[i].length;
    }
    fettle_assert(false);
}

/* Controls, separators of lines, marks of direction, and what is not seen. */
static bool
is_unwanted(uint32_t point)
{
    static const uint32_t ranges[][2] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},       {0x34f, 0x34f},   {0x61c, 0x61c},
        {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x200b, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f},   {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(ranges); i++)
        if (point >= ranges[i][0] && point <= ranges[i][1])
            return true;
    return false;
}

char *
notice_text_clean(Arena *arena, const char *text, size_t bytes_most)
{
    fettle_assert(bytes_most > sizeof(ELLIPSIS));
    Text clean = text_new(arena);
    const char *at = text_clean_utf8(arena, text, strlen(text));
    while (*at != '\0') {
        uint32_t point;
        size_t length = code_point(at, &point);
        bool is_space = point == ' ' || is_unwanted(point);
        if (clean.length + length + strlen(ELLIPSIS) > bytes_most) {
            text_append(&clean, ELLIPSIS);
            break;
        }
        if (!is_space)
            text_append_bytes(&clean, at, length);
        else if (clean.length > 0 && clean.data[clean.length - 1] != ' ')
            text_append_char(&clean, ' ');
        at += length;
    }
    while (clean.length > 0 && clean.data[clean.length - 1] == ' ')
        text_truncate(&clean, clean.length - 1);
    return clean.data;
}

/* --- reading a payload --- */

/* A text or a number as a clean text; NULL when it is not there. */
static const char *
value_text(Arena *arena, const json_t *payload, const char *key)
{
    const json_t *value = json_object_get(payload, key);
    if (json_is_string(value) && json_string_length(value) > 0)
        return notice_text_clean(arena, json_string_value(value), NOTICE_VALUE_BYTES);
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value))
        return arena_printf(arena, "%.6g", json_real_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    return NULL;
}

static const char *
value_or(Arena *arena, const json_t *payload, const char *key, const char *otherwise)
{
    const char *value = value_text(arena, payload, key);
    return value == NULL ? otherwise : value;
}

/* NAN when it is not there. */
static double
value_number(const json_t *payload, const char *key)
{
    const json_t *value = json_object_get(payload, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* --- subjects --- */

static const char *
index_subject(Arena *arena, const Notice *notice, const json_t *payload)
{
    const char *action = value_or(arena, payload, "action", "create");
    bool is_cancelled = text_equals(value_text(arena, payload, "state"), "cancelled");
    const char *verb = strcmp(action, "drop") == 0     ? "dropped"
                       : strcmp(action, "modify") == 0 ? "changed"
                                                       : "created";
    const char *end = strcmp(notice->event, "index.completed") == 0 ? arena_printf(arena, "was %s", verb)
                      : is_cancelled ? arena_printf(arena, "was not %s: it was cancelled", verb)
                                     : arena_printf(arena, "could not be %s", verb);
    return arena_printf(
        arena, "index %s on %s.%s %s", value_or(arena, payload, "index_name", "without a name"),
        value_or(arena, payload, "schema_name", "?"), value_or(arena, payload, "table_name", "?"), end);
}

static const char *
recommendation_subject(Arena *arena, const Notice *notice, const json_t *payload)
{
    const char *text = value_or(arena, payload, "recommendation_text", "a recommendation");
    if (strcmp(notice->event, "recommendation.new") == 0)
        return arena_printf(arena, "new advice: %s", text);
    if (strcmp(notice->event, "implementation.undone") == 0)
        return arena_printf(arena, "undone: %s", text);
    const char *status = value_or(arena, payload, "status", "measured");
    static const struct {
        const char *status;
        const char *words;
    } rows[] = {
        {"implemented", "it helped"},
        {"no_improvement", "no improvement"},
        {"regressed", "it made things worse"},
        {"reverted", "reverted"},
        {"failed", "failed"},
        {"pending", "not enough data yet"},
    };
    const char *words = status;
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++)
        if (strcmp(rows[i].status, status) == 0)
            words = rows[i].words;
    return arena_printf(arena, "%s: %s", words, text);
}

static const char *
incident_subject(Arena *arena, const Notice *notice, const json_t *payload)
{
    const char *title = value_or(arena, payload, "title", "an incident");
    if (strcmp(notice->event, "incident.closed") == 0)
        return arena_printf(arena, "over: %s", title);
    return arena_printf(arena, "%s incident: %s", value_or(arena, payload, "severity", "new"), title);
}

static const char *
webhook_subject(Arena *arena, const Notice *notice, const json_t *payload)
{
    if (strcmp(notice->event, NOTICE_EVENT_TEST) == 0)
        return arena_printf(arena, "a test of webhook %s", value_or(arena, payload, "name", "?"));
    return arena_printf(arena, "%s notices were held back", value_or(arena, payload, "count", "several"));
}

static const char *
subject_make(Arena *arena, const Notice *notice, const json_t *payload)
{
    static const struct {
        const char *prefix;
        const char *(*make)(Arena *arena, const Notice *notice, const json_t *payload);
    } makers[] = {
        {"index.", index_subject},
        {"recommendation.", recommendation_subject},
        {"implementation.", recommendation_subject},
        {"incident.", incident_subject},
        {"webhook.", webhook_subject},
    };
    const char *words = notice->event;
    for (size_t i = 0; i < FETTLE_COUNT_OF(makers); i++)
        if (text_starts_with(notice->event, makers[i].prefix))
            words = makers[i].make(arena, notice, payload);
    if (notice->target_name != NULL)
        words = arena_printf(arena, "%s: %s", notice->target_name, words);
    return notice_text_clean(arena, words, NOTICE_SUBJECT_BYTES);
}

/* --- bodies --- */

/* UNIT_SINCE: a moment that can be in the future, or not within sight. */
typedef enum NoticeUnit {
    UNIT_PLAIN,
    UNIT_PERCENT,
    UNIT_MS,
    UNIT_MS_PER_HOUR,
    UNIT_SCORE,
    UNIT_SINCE
} NoticeUnit;

/* What is told of a payload, in this order; other fields are for programs. */
static const struct {
    const char *key;
    const char *label;
    NoticeUnit unit;
} told_fields[] = {
    {"detailed_explanation", "Why", UNIT_PLAIN},
    {"error_message", "Reason", UNIT_PLAIN},
    {"reason", "Reason", UNIT_PLAIN},
    {"database_name", "Database", UNIT_PLAIN},
    {"query_hash", "Query", UNIT_PLAIN},
    {"estimated_improvement_percent", "Expected gain", UNIT_PERCENT},
    {"expected_saving_ms_per_hour", "Expected saving", UNIT_MS_PER_HOUR},
    {"expected_saving_low", "  at least", UNIT_MS_PER_HOUR},
    {"expected_saving_high", "  at most", UNIT_MS_PER_HOUR},
    {"actual_improvement_percent", "Measured gain", UNIT_PERCENT},
    {"actual_low", "  at least", UNIT_PERCENT},
    {"actual_high", "  at most", UNIT_PERCENT},
    {"detectable_percent", "A harm that would show by now", UNIT_PERCENT},
    {"enough_data_at", "Enough data for one of 20 %", UNIT_SINCE},
    {"confidence_score", "Confidence", UNIT_SCORE},
    {"roi_score", "Return", UNIT_SCORE},
    {"severity", "Severity", UNIT_PLAIN},
    {"metric_name", "Figure", UNIT_PLAIN},
    {"metric_value", "Value", UNIT_PLAIN},
    {"baseline_value", "Usual", UNIT_PLAIN},
    {"started_at", "Since", UNIT_PLAIN},
    {"ended_at", "Until", UNIT_PLAIN},
    {"statement", "Statement", UNIT_PLAIN},
    {"undo", "Undo", UNIT_PLAIN},
    {"duration_ms", "Took", UNIT_MS},
    {"performed_by", "By", UNIT_PLAIN},
    {"change_id", "Index change", UNIT_PLAIN},
    {"recommendation_id", "Recommendation", UNIT_PLAIN},
    {"implementation_id", "Implementation", UNIT_PLAIN},
    {"incident_id", "Incident", UNIT_PLAIN},
};

/* When there is enough data, in the words of "fettle results"; NULL where nothing is known of that. Moments
 * are texts of one form, which sort as they do. */
static const char *
enough_value(Arena *arena, const json_t *payload, const char *key, int64_t told_at_us)
{
    const char *at = value_text(arena, payload, key);
    if (at == NULL)
        return isnan(value_number(payload, "detectable_percent")) ? NULL : "not within two weeks";
    return strcmp(at, clock_format_utc(arena, told_at_us)) > 0 ? arena_printf(arena, "expected at %s", at)
                                                               : arena_printf(arena, "since %s", at);
}

static const char *
field_value(Arena *arena, const json_t *payload, const char *key, NoticeUnit unit, int64_t told_at_us)
{
    double number = value_number(payload, key);
    if (unit == UNIT_PLAIN)
        return value_text(arena, payload, key);
    if (unit == UNIT_SINCE)
        return enough_value(arena, payload, key, told_at_us);
    if (!isfinite(number))
        return NULL;
    switch (unit) {
        case UNIT_PERCENT: return arena_printf(arena, "%.1f %%", number);
        case UNIT_MS: return text_format_duration_ms(arena, number);
        case UNIT_MS_PER_HOUR:
            return arena_printf(arena, "%s an hour", text_format_duration_ms(arena, number));
        default: return arena_printf(arena, "%.3g", number);
    }
}

static void
body_append_fields(Text *body, const json_t *payload, int64_t told_at_us)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(told_fields); i++) {
        const char *value =
            field_value(body->arena, payload, told_fields[i].key, told_fields[i].unit, told_at_us);
        if (value != NULL)
            text_append_format(body, "%s: %s\n", told_fields[i].label, value);
    }
}

/* What a digest is about: how many of each event, and the first ones' subjects. */
static void
body_append_digest(Text *body, const json_t *payload)
{
    const char *event;
    json_t *number;
    json_t *counts = json_object_get(payload, "by_event");
    json_object_foreach(counts, event, number)
        text_append_format(body, "%s: %lld\n", notice_text_clean(body->arena, event, NOTICE_SUBJECT_BYTES),
                           (long long)json_integer_value(number));
    const json_t *told = json_object_get(payload, "notices");
    size_t count = json_array_size(told);
    for (size_t i = 0; i < count && i < DIGEST_NAMED_MOST; i++) {
        const json_t *item = json_array_get(told, i);
        const json_t *target = json_object_get(item, "target");
        const json_t *word = json_object_get(item, "event");
        Notice held = {.event = json_is_string(word) ? json_string_value(word) : "",
                       .target_name = json_is_string(target) ? json_string_value(target) : NULL};
        text_append_format(body, "- %s\n", subject_make(body->arena, &held, json_object_get(item, "data")));
    }
    json_int_t all = json_integer_value(json_object_get(payload, "count"));
    if (all > (json_int_t)count)
        text_append_format(body, "- and %lld more\n", (long long)(all - (json_int_t)count));
}

static void
payload_close_at(json_t **payload)
{
    json_decref(*payload);
}

NoticeText
notice_text(Arena *arena, const Notice *notice)
{
    FETTLE_CLEANUP(payload_close_at) json_t *payload = json_loads(notice->payload, 0, NULL);
    Text body = text_new(arena);
    const char *subject = subject_make(arena, notice, payload);
    text_append_format(&body, "%s\n\n", subject);
    if (strcmp(notice->event, NOTICE_EVENT_DIGEST) == 0)
        body_append_digest(&body, payload);
    else
        body_append_fields(&body, payload, notice->created_at_us);
    if (notice->target_name != NULL)
        text_append_format(&body, "Target: %s\n",
                           notice_text_clean(arena, notice->target_name, NOTICE_SUBJECT_BYTES));
    text_append_format(&body, "When: %s\n", clock_format_utc(arena, notice->created_at_us));
    return (NoticeText){.subject = subject, .body = body.data};
}

char *
notice_text_json(Arena *arena, const Notice *notice, const char *message_id)
{
    NoticeText words = notice_text(arena, notice);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "id", message_id);
    json_key_string(&json, "event", notice->event);
    json_key_string(&json, "occurred_at", clock_format_utc(arena, notice->created_at_us));
    json_key(&json, "target");
    if (notice->target_id == 0) {
        json_write_null(&json);
    } else {
        json_object_begin(&json);
        json_key_int(&json, "id", notice->target_id);
        json_key_string(&json, "name", notice->target_name);
        json_object_end(&json);
    }
    json_key_string(&json, "subject", words.subject);
    json_key_string(&json, "text", words.body);
    json_key(&json, "data");
    json_raw(&json, notice->payload);
    json_object_end(&json);
    return text.data;
}

/* As Slack wants texts that are no markup. */
static const char *
slack_escape(Arena *arena, const char *text)
{
    Text escaped = text_new(arena);
    for (const char *at = text; *at != '\0'; at++)
        switch (*at) {
            case '&': text_append(&escaped, "&amp;"); break;
            case '<': text_append(&escaped, "&lt;"); break;
            case '>': text_append(&escaped, "&gt;"); break;
            default: text_append_char(&escaped, *at);
        }
    return escaped.data;
}

char *
notice_text_slack(Arena *arena, const Notice *notice)
{
    NoticeText words = notice_text(arena, notice);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "text", slack_escape(arena, words.body));
    json_key_bool(&json, "mrkdwn", false);
    json_key_string(&json, "parse", "none");
    json_key_bool(&json, "link_names", false);
    json_key_bool(&json, "unfurl_links", false);
    json_key_bool(&json, "unfurl_media", false);
    json_object_end(&json);
    return text.data;
}
