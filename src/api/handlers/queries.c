// SPDX-License-Identifier: PostgreSQL
/*
 * Statements: the top of a window, and one query on all targets that know it.
 */
#include "store/observation.h"
#include "store/query_place.h"
#include "store/sample_read.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

#include <math.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define STEP_SECONDS_MOST ((int64_t)366 * 24 * 3600)
#define TOP_STANDARD 50
#define TOP_MOST 200
#define TOP_TEXT_BYTES 4096
#define POINTS_MOST 50000 /* of all series of one answer */
#define PLANS_STANDARD 10
#define PLANS_MOST 50

/* Text cut at a character's boundary. */
static const char *
text_cut(Arena *arena, const char *text, size_t bytes_most)
{
    if (text == NULL || strlen(text) <= bytes_most)
        return text;
    size_t length = bytes_most;
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    return arena_strndup(arena, text, length);
}

static void
time_write(JsonWriter *json, const char *key, int64_t microseconds)
{
    json_key_double(json, key, (double)microseconds / 1000);
}

/* The sums of a window or a point by the contract's column names. */
static void
counters_write(JsonWriter *json, const int64_t *counters, double observed_seconds)
{
    static const struct {
        SampleCounter counter;
        const char *key;
    } plain[] = {
        {SAMPLE_SHARED_HIT, "shared_blks_hit"},
        {SAMPLE_SHARED_READ, "shared_blks_read"},
        {SAMPLE_SHARED_DIRTIED, "shared_blks_dirtied"},
        {SAMPLE_SHARED_WRITTEN, "shared_blks_written"},
        {SAMPLE_LOCAL_HIT, "local_blks_hit"},
        {SAMPLE_LOCAL_READ, "local_blks_read"},
        {SAMPLE_LOCAL_DIRTIED, "local_blks_dirtied"},
        {SAMPLE_LOCAL_WRITTEN, "local_blks_written"},
        {SAMPLE_TEMP_READ, "temp_blks_read"},
        {SAMPLE_TEMP_WRITTEN, "temp_blks_written"},
        {SAMPLE_WAL_RECORDS, "wal_records"},
        {SAMPLE_WAL_FULL_PAGES, "wal_fpi"},
        {SAMPLE_WAL_BYTES, "wal_bytes"},
    };
    double calls = (double)counters[SAMPLE_CALLS];
    double blocks = (double)counters[SAMPLE_SHARED_HIT] + (double)counters[SAMPLE_SHARED_READ];
    json_key_double(json, "observed_seconds", observed_seconds);
    json_key_int(json, "calls", counters[SAMPLE_CALLS]);
    json_key_double(json, "calls_per_sec", observed_seconds > 0 ? calls / observed_seconds : NAN);
    json_key_int(json, "rows", counters[SAMPLE_ROWS]);
    json_key_double(json, "rows_per_call", calls > 0 ? (double)counters[SAMPLE_ROWS] / calls : NAN);
    time_write(json, "total_exec_time_ms", counters[SAMPLE_EXEC_US]);
    json_key_double(json, "mean_exec_time_ms",
                    calls > 0 ? (double)counters[SAMPLE_EXEC_US] / 1000 / calls : NAN);
    time_write(json, "stddev_exec_time_ms", counters[SAMPLE_EXEC_DEVIATION_US]);
    time_write(json, "plan_time_ms", counters[SAMPLE_PLAN_US]);
    time_write(json, "blk_read_time_ms", counters[SAMPLE_READ_US]);
    time_write(json, "blk_write_time_ms", counters[SAMPLE_WRITE_US]);
    json_key_double(json, "cache_hit_ratio", blocks > 0 ? (double)counters[SAMPLE_SHARED_HIT] / blocks : NAN);
    for (size_t i = 0; i < FETTLE_COUNT_OF(plain); i++)
        json_key_int(json, plain[i].key, counters[plain[i].counter]);
}

static void
total_write(JsonWriter *json, const SampleTotal *total)
{
    const char *text = text_cut(json->text->arena, total->query_text, TOP_TEXT_BYTES);
    json_object_begin(json);
    json_key_int(json, "query_hash", total->query_hash);
    json_key_int(json, "queryid", total->queryid);
    api_json_id(json, "fingerprint_hash", total->fingerprint_hash);
    json_key_string(json, "database_name", total->database_name);
    json_key_string(json, "user_name", total->user_name);
    json_key_string(json, "query_text", text);
    json_key_bool(json, "query_text_is_cut", text != total->query_text);
    api_json_time(json, "first_seen", total->first_seen_us);
    api_json_time(json, "last_seen", total->last_seen_us);
    counters_write(json, total->counters, total->observed_seconds);
    json_object_end(json);
}

bool
handle_target_queries(ApiRequest *request, Error *error)
{
    static const char *const orders[] = {"time", "calls", "io", "mean", "rows", "temp", "wal", NULL};
    SampleRange range = {.target_id = request->id, .cache = request->api->tops};
    int order;
    int64_t limit = TOP_STANDARD;
    PgConnection *session;
    SampleTotal *totals;
    size_t count;
    if (!api_parameter_word(request, "order", orders, SAMPLE_BY_TIME, &order) ||
        !api_parameter_range(request, DAY_MS, &range.from_us, &range.to_us) ||
        !api_parameter_text(request, "database_name", &range.database_name) ||
        !api_parameter_int(request, "limit", 1, TOP_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) ||
        !api_target_check(request, session, range.target_id, error) ||
        !sample_top_read(session, request->arena, &range, (SampleOrder)order, (size_t)limit, &totals, &count,
                         error))
        return false;
    JsonWriter *json = api_ranged_begin(request, "target_id", range.from_us, range.to_us);
    json_key_string(json, "order", orders[order]);
    json_key(json, "queries");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        total_write(json, &totals[i]);
    return api_list_reply(request, count);
}

/* The places of the path's hash, of one target when ?target_id= names it. */
static bool
places_read(ApiRequest *request, PgConnection *session, bool with_texts, QueryPlaces *ret_places,
            Error *error)
{
    int64_t target_id = 0;
    return api_parameter_int(request, "target_id", 1, INT64_MAX, &target_id) &&
           query_places_read(session, request->arena, target_id, request->id, with_texts, ret_places, error);
}

static void
place_write(JsonWriter *json, const QueryPlace *place)
{
    json_object_begin(json);
    json_key_int(json, "target_id", place->target_id);
    json_key_string(json, "target_name", place->target_name);
    json_key_string(json, "database_name", place->database_name);
    json_key_string(json, "user_name", place->user_name);
    json_key_int(json, "queryid", place->queryid);
    json_key_bool(json, "is_toplevel", place->is_toplevel);
    api_json_time(json, "first_seen", place->first_seen_us);
    api_json_time(json, "last_seen", place->last_seen_us);
    json_object_end(json);
}

bool
handle_query_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    QueryPlaces places;
    if (!api_session(request, &session, error) || !places_read(request, session, true, &places, error))
        return false;
    const char *text = NULL;
    int64_t fingerprint_hash = 0;
    for (size_t i = 0; i < places.count; i++) {
        text = text == NULL ? places.items[i].query_text : text;
        fingerprint_hash = fingerprint_hash == 0 ? places.items[i].fingerprint_hash : fingerprint_hash;
    }
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "query_hash", request->id);
    api_json_id(json, "fingerprint_hash", fingerprint_hash);
    json_key_string(json, "query_text", text);
    json_key(json, "places");
    json_array_begin(json);
    for (size_t i = 0; i < places.count; i++)
        place_write(json, &places.items[i]);
    return api_list_reply(request, places.count);
}

static void
flags_write(JsonWriter *json, unsigned flags)
{
    static const struct {
        SampleFlag flag;
        const char *word;
    } words[] = {{SAMPLE_FLAG_RESET, "reset"},
                 {SAMPLE_FLAG_EVICTED, "evicted"},
                 {SAMPLE_FLAG_RESTART, "restart"},
                 {SAMPLE_FLAG_THINNED, "thinned"},
                 {SAMPLE_FLAG_CUT, "cut"}};
    json_key(json, "flags");
    json_array_begin(json);
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if ((flags & words[i].flag) != 0)
            json_write_string(json, words[i].word);
    json_array_end(json);
}

static void
series_write(JsonWriter *json, const QueryPlace *place, const SampleSeries *series)
{
    json_object_begin(json);
    json_key_int(json, "target_id", place->target_id);
    json_key_string(json, "target_name", place->target_name);
    json_key_string(json, "database_name", place->database_name);
    json_key_string(json, "user_name", place->user_name);
    json_key(json, "points");
    json_array_begin(json);
    for (size_t i = 0; i < series->count; i++) {
        const SamplePoint *point = &series->points[i];
        json_object_begin(json);
        api_json_range(json, point->from_us, point->to_us);
        flags_write(json, point->flags);
        counters_write(json, point->counters, point->observed_seconds);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

/* The place of a series; a statement that the places leave out gets one with its target alone. */
static QueryPlace
place_of(const QueryPlaces *places, const QueryPlace *target, int32_t statement_id)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->items[i].target_id == target->target_id && places->items[i].statement_id == statement_id)
            return places->items[i];
    return (QueryPlace){.target_id = target->target_id, .target_name = target->target_name};
}

static bool
history_write(ApiRequest *request, PgConnection *session, const QueryPlaces *places, SampleRange range,
              Error *error)
{
    size_t left = POINTS_MOST;
    for (size_t i = 0; i < places->count; i++) {
        const QueryPlace *target = &places->items[i];
        if (i > 0 && target->target_id == places->items[i - 1].target_id)
            continue;
        SampleSeries *series;
        size_t count;
        range.target_id = target->target_id;
        range.points_most = left == 0 ? 1 : left;
        if (!sample_series_read(session, request->arena, &range, &series, &count, error))
            return false;
        for (size_t j = 0; j < count; j++) {
            QueryPlace place = place_of(places, target, series[j].statement_id);
            series_write(api_json(request), &place, &series[j]);
            left -= series[j].count < left ? series[j].count : left;
        }
    }
    return true;
}

bool
handle_query_history(ApiRequest *request, Error *error)
{
    SampleRange range = {.query_hash = request->id};
    int64_t step_seconds = 0;
    PgConnection *session;
    QueryPlaces places;
    if (!api_parameter_range(request, DAY_MS, &range.from_us, &range.to_us) ||
        !api_parameter_int(request, "step", 0, STEP_SECONDS_MOST, &step_seconds) ||
        !api_parameter_text(request, "database_name", &range.database_name))
        return false;
    range.step_ms = step_seconds * 1000;
    if (!api_session(request, &session, error) || !places_read(request, session, false, &places, error))
        return false;
    JsonWriter *json = api_ranged_begin(request, "query_hash", range.from_us, range.to_us);
    json_key_int(json, "step_seconds", step_seconds);
    json_key(json, "series");
    json_array_begin(json);
    if (!history_write(request, session, &places, range, error))
        return false;
    json_array_end(json);
    json_object_end(json);
    return api_reply(request, 200);
}

static void
plan_write(JsonWriter *json, const PlanRow *row)
{
    json_object_begin(json);
    json_key_int(json, "target_id", row->target_id);
    json_key_string(json, "database_name", row->database_name);
    api_json_id(json, "fingerprint_hash", row->fingerprint_hash);
    api_json_time(json, "collected_at", row->collected_at_us);
    json_key_int(json, "plan_hash", (int64_t)(row->plan_hash & INT64_MAX));
    api_json_embed(json, "plan_json", row->plan_json);
    json_key_string(json, "plan_text", row->plan_text);
    api_json_double(json, "rows_expected", row->rows_expected);
    api_json_double(json, "cost", row->cost);
    json_key_bool(json, "has_seq_scan", row->has_seq_scan);
    json_key_bool(json, "has_index_scan", row->has_index_scan);
    json_key_bool(json, "has_bitmap_scan", row->has_bitmap_scan);
    json_key_bool(json, "has_nested_loop", row->has_nested_loop);
    json_key_string(json, "change_cause", row->change_cause);
    json_object_end(json);
}

static bool
plans_write(ApiRequest *request, PgConnection *session, const QueryPlaces *places, size_t limit,
            size_t *ret_count, Error *error)
{
    PlanRange range = {.query_hash = request->id, .bytes_most = PLANS_BYTES_MOST};
    *ret_count = 0;
    for (size_t i = 0; i < places->count && *ret_count < limit; i++) {
        if (i > 0 && places->items[i].target_id == places->items[i - 1].target_id)
            continue;
        PlanRows rows;
        range.target_id = places->items[i].target_id;
        range.most = limit - *ret_count;
        if (!plan_rows_read(session, request->arena, &range, &rows, error))
            return false;
        range.bytes_most -= rows.bytes < range.bytes_most ? rows.bytes : range.bytes_most;
        for (size_t j = 0; j < rows.count; j++)
            plan_write(api_json(request), &rows.items[j]);
        *ret_count += rows.count;
    }
    return true;
}

bool
handle_query_plans(ApiRequest *request, Error *error)
{
    int64_t limit = PLANS_STANDARD;
    size_t count;
    PgConnection *session;
    QueryPlaces places;
    if (!api_parameter_int(request, "limit", 1, PLANS_MOST, &limit) ||
        !api_session(request, &session, error) || !places_read(request, session, false, &places, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "query_hash", request->id);
    json_key(json, "plans");
    json_array_begin(json);
    if (!plans_write(request, session, &places, (size_t)limit, &count, error))
        return false;
    return api_list_reply(request, count);
}
