// SPDX-License-Identifier: PostgreSQL
#include "cli/top_frame.h"

#include "base/json_writer.h"

#include <math.h>
#include <string.h>

#define METRICS_WINDOW_US ((int64_t)600 * 1000000)

const TopOrder top_orders[] = {{"time", 't', SAMPLE_BY_TIME}, {"calls", 'c', SAMPLE_BY_CALLS},
                               {"io", 'i', SAMPLE_BY_IO},     {"mean", 'm', SAMPLE_BY_MEAN},
                               {"rows", 'r', SAMPLE_BY_ROWS}, {"temp", 'f', SAMPLE_BY_TEMP},
                               {"wal", 'w', SAMPLE_BY_WAL},   {NULL, 0, SAMPLE_BY_TIME}};

static bool
metrics_read(TopFrame *frame, PgConnection *session, Arena *arena, Error *error)
{
    static const MetricId shown[] = {
        METRIC_CONNECTIONS, METRIC_CONNECTIONS_ACTIVE, METRIC_CONNECTIONS_WAITING,
        METRIC_COMMITS,     METRIC_CACHE_HIT_RATIO,    METRIC_CPU,
        METRIC_WAL_BYTES};
    MetricRange range = {.target_id = frame->target.target_id,
                         .from_us = frame->now_us - METRICS_WINDOW_US,
                         .to_us = frame->now_us};
    for (size_t i = 0; i < METRIC_COUNT; i++)
        frame->metrics[i] = NAN;
    for (size_t i = 0; i < FETTLE_COUNT_OF(shown); i++) {
        MetricPoint *points = NULL;
        size_t count = 0;
        if (!metric_series_read(session, arena, &range, shown[i], &points, &count, error))
            return false;
        if (count > 0)
            frame->metrics[shown[i]] = points[count - 1].mean;
    }
    return true;
}

bool
top_frame_read(Store *store, Arena *arena, const TopQuestion *question, TopFrame *ret_frame, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    TopFrame frame = {.question = *question, .now_us = clock_wall_us()};
    SampleRange range = {.target_id = question->target_id,
                         .from_us = frame.now_us - question->window_ms * 1000,
                         .to_us = frame.now_us,
                         .database_name = question->database};
    if (!store_session_take(store, 0, &session, error) ||
        !target_get(session.connection, arena, question->target_id, &frame.target, error) ||
        !sample_top_read(session.connection, arena, &range, top_orders[question->order].order, question->rows,
                         &frame.totals, &frame.count, error) ||
        !metrics_read(&frame, session.connection, arena, error))
        return false;
    *ret_frame = frame;
    return true;
}

/* A figure of about three digits. */
static const char *
figure(Arena *arena, double value)
{
    if (isnan(value))
        return "-";
    if (value >= 100000)
        return text_format_count(arena, value);
    return arena_printf(arena, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
}

static void
append_metric(Text *text, const char *words, const char *value)
{
    text_append_format(text, "%s%s %s", text->length > 0 && text->data[text->length - 1] != '\n' ? "   " : "",
                       words, value);
}

static void
append_head(Text *text, const TopFrame *frame)
{
    Arena *arena = text->arena;
    const double *metrics = frame->metrics;
    text_append_format(text, "%s   PostgreSQL %s   %s   by %s over %s\n", frame->target.name,
                       frame->target.server_version == NULL ? "?" : frame->target.server_version,
                       clock_format_utc(arena, frame->now_us), top_orders[frame->question.order].word,
                       text_format_duration_ms(arena, (double)frame->question.window_ms));
    append_metric(text, "sessions", figure(arena, metrics[METRIC_CONNECTIONS]));
    append_metric(text, "active", figure(arena, metrics[METRIC_CONNECTIONS_ACTIVE]));
    append_metric(text, "waiting for locks", figure(arena, metrics[METRIC_CONNECTIONS_WAITING]));
    append_metric(text, "commits/s", figure(arena, metrics[METRIC_COMMITS]));
    append_metric(text, "cache hits %", figure(arena, metrics[METRIC_CACHE_HIT_RATIO] * 100));
    if (!isnan(metrics[METRIC_CPU]))
        append_metric(text, "CPU %", figure(arena, metrics[METRIC_CPU] * 100));
    if (!isnan(metrics[METRIC_WAL_BYTES]))
        append_metric(text, "WAL/s", text_format_bytes(arena, metrics[METRIC_WAL_BYTES]));
    text_append_char(text, '\n');
    if (frame->target.last_error != NULL)
        text_append_format(text, "the last round failed: %s\n", frame->target.last_error);
    else if (frame->target.last_notice != NULL)
        text_append_format(text, "note: %s\n", frame->target.last_notice);
}

/* A statement as one line: what is space, and several of it, as one space; not longer than could be shown. */
static const char *
one_line(Arena *arena, const char *query, size_t columns)
{
    Text line = text_new(arena);
    bool in_space = true;
    for (const char *at = query; *at != '\0' && line.length < columns * 4; at++) {
        bool is_space = *at == ' ' || (unsigned char)*at < ' ';
        if (!is_space || !in_space)
            text_append_char(&line, is_space ? ' ' : *at);
        in_space = is_space;
    }
    return line.data;
}

/* C0, DEL and, as UTF-8, C1: what a terminal may obey instead of showing. */
static bool
is_control(const char *character)
{
    unsigned char first = (unsigned char)character[0];
    unsigned char second = first == 0xC2 ? (unsigned char)character[1] : 0;
    return first < 0x20 || first == 0x7F || (second >= 0x80 && second <= 0x9F);
}

/* As much of the line as columns hold, without control characters. */
static void
append_fitted(Text *text, const char *line, size_t length, size_t columns)
{
    size_t width = 0;
    for (size_t at = 0; at < length;) {
        char character[5] = {line[at]};
        size_t step = 1;
        while (at + step < length && step < 4 && ((unsigned char)line[at + step] & 0xC0) == 0x80) {
            character[step] = line[at + step];
            step++;
        }
        const char *shown = is_control(character) ? " " : character;
        width += text_width(shown);
        if (width > columns)
            break;
        text_append(text, shown);
        at += step;
    }
    text_append_char(text, '\n');
}

/* Of all time that is shown; the window's whole is not known without reading it all. */
static double
time_shown_us(const TopFrame *frame)
{
    double sum = 0;
    for (size_t i = 0; i < frame->count; i++)
        sum += (double)frame->totals[i].counters[SAMPLE_EXEC_US];
    return sum;
}

static double
share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static void
append_row(Text *text, const SampleTotal *total, double shown_us, size_t columns)
{
    Arena *arena = text->arena;
    const int64_t *counters = total->counters;
    double calls = (double)counters[SAMPLE_CALLS];
    double blocks = (double)counters[SAMPLE_SHARED_HIT] + (double)counters[SAMPLE_SHARED_READ];
    double seconds = total->observed_seconds > 0 ? total->observed_seconds : NAN;
    text_append_format(text, "%6s %9s %9s %9s %9s %6s %9s  ",
                       figure(arena, share((double)counters[SAMPLE_EXEC_US], shown_us) * 100),
                       figure(arena, (double)counters[SAMPLE_EXEC_US] / 1000 / seconds),
                       figure(arena, calls / seconds),
                       figure(arena, share((double)counters[SAMPLE_EXEC_US] / 1000, calls)),
                       figure(arena, share((double)counters[SAMPLE_ROWS], calls)),
                       figure(arena, share((double)counters[SAMPLE_SHARED_HIT], blocks) * 100),
                       text_format_bytes(arena, (double)counters[SAMPLE_TEMP_WRITTEN] * 8192));
    const char *query = total->query_text == NULL ? "(text not known yet)" : total->query_text;
    text_append(text, one_line(arena, query, columns));
    text_append_char(text, '\n');
}

char *
top_frame_text(Arena *arena, const TopFrame *frame, size_t columns, bool is_live)
{
    Text text = text_new(arena);
    append_head(&text, frame);
    if (is_live)
        text_append(&text,
                    "keys: t time  c calls  i io  m mean  r rows  f temp  w wal  + - window  q quit\n");
    text_append_format(&text, "\n%6s %9s %9s %9s %9s %6s %9s  %s\n", "time %", "ms/s", "calls/s", "mean ms",
                       "rows/call", "hit %", "temp", "statement");
    double shown_us = time_shown_us(frame);
    for (size_t i = 0; i < frame->count; i++)
        append_row(&text, &frame->totals[i], shown_us, columns);
    if (frame->count == 0)
        text_append(&text, frame->target.last_round_at_us == 0
                               ? "nothing was collected of this target yet: is \"fettle serve\" running?\n"
                               : "no statement ran in this window\n");
    Text fitted = text_new(arena);
    for (const char *at = text.data; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        append_fitted(&fitted, at, length, columns);
        at += length + (at[length] == '\n' ? 1 : 0);
    }
    return fitted.data;
}

char *
top_frame_json(Arena *arena, const TopFrame *frame)
{
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, true);
    json_object_begin(&json);
    json_key_string(&json, "target", frame->target.name);
    json_key_int(&json, "target_id", frame->target.target_id);
    json_key_string(&json, "timestamp", clock_format_utc(arena, frame->now_us));
    json_key_double(&json, "window_seconds", (double)frame->question.window_ms / 1000);
    json_key_string(&json, "order", top_orders[frame->question.order].word);
    json_key(&json, "queries");
    json_array_begin(&json);
    for (size_t i = 0; i < frame->count; i++) {
        const SampleTotal *total = &frame->totals[i];
        json_object_begin(&json);
        json_key_int(&json, "query_hash", total->query_hash);
        json_key_string(&json, "database_name", total->database_name);
        json_key_string(&json, "query_text", total->query_text);
        for (size_t k = 0; k < SAMPLE_COUNTER_COUNT; k++)
            json_key_int(&json, sample_counter_name((SampleCounter)k), total->counters[k]);
        json_object_end(&json);
    }
    json_array_end(&json);
    json_object_end(&json);
    text_append_char(&text, '\n');
    return text.data;
}
