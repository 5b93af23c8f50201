// SPDX-License-Identifier: PostgreSQL
/*
 * What was observed of a target beside its statements.
 */
#include "store/observation.h"
#include "store/statement.h"

#include "api/handlers/handlers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define POINTS_MOST 200000 /* of all series of one answer */
#define STEP_SECONDS_MOST ((int64_t)366 * 24 * 3600)
#define ACTIVITY_STANDARD 200
#define ACTIVITY_MOST 10000
#define RELATIONS_STANDARD 500
#define RELATIONS_MOST 10000

static bool
name_is_wanted(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* names: words of the catalogue between commas; NULL: all. */
static bool
metric_names_read(ApiRequest *request, MetricId *ret_ids, size_t *ret_count)
{
    const char *names;
    if (!api_parameter_text(request, "names", &names))
        return false;
    *ret_count = 0;
    size_t wanted = 1;
    for (const char *at = names; at != NULL && *at != '\0'; at++)
        wanted += *at == ',';
    for (int id = 0; id < METRIC_COUNT; id++)
        if (names == NULL || name_is_wanted(names, metric_info((MetricId)id)->name))
            ret_ids[(*ret_count)++] = (MetricId)id;
    if (names == NULL || *ret_count == wanted)
        return true;
    Text known = text_new(request->arena);
    for (int id = 0; id < METRIC_COUNT; id++)
        text_append_format(&known, "%s%s", id == 0 ? "" : ", ", metric_info((MetricId)id)->name);
    return api_refuse(request, 400, "invalid_parameter", "names must be different ones of %s", known.data);
}

static void
metric_series_write(JsonWriter *json, MetricId id, const MetricPoint *points, size_t count)
{
    const MetricInfo *info = metric_info(id);
    json_object_begin(json);
    json_key_string(json, "name", info->name);
    json_key_string(json, "kind", info->kind == METRIC_GAUGE ? "gauge" : "rate");
    json_key_string(json, "unit", info->unit);
    json_key_string(json, "documentation", info->documentation);
    json_key(json, "points");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(json);
        api_json_range(json, points[i].from_us, points[i].to_us);
        json_key_double(json, "mean", points[i].mean);
        json_key_double(json, "least", points[i].least);
        json_key_double(json, "greatest", points[i].greatest);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

bool
handle_target_metrics(ApiRequest *request, Error *error)
{
    MetricId ids[METRIC_COUNT];
    size_t count;
    MetricRange range = {.target_id = request->id};
    int64_t step_seconds = 0;
    PgConnection *session;
    if (!metric_names_read(request, ids, &count) ||
        !api_parameter_range(request, DAY_MS, &range.from_us, &range.to_us) ||
        !api_parameter_int(request, "step", 0, STEP_SECONDS_MOST, &step_seconds))
        return false;
    range.step_ms = step_seconds * 1000;
    range.points_most = POINTS_MOST / count;
    if (!api_session(request, &session, error) || !api_target_check(request, session, range.target_id, error))
        return false;
    JsonWriter *json = api_ranged_begin(request, "target_id", range.from_us, range.to_us);
    json_key_int(json, "step_seconds", step_seconds);
    json_key(json, "series");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        MetricPoint *points;
        size_t point_count;
        if (!metric_series_read(session, request->arena, &range, ids[i], &points, &point_count, error))
            return false;
        metric_series_write(json, ids[i], points, point_count);
    }
    json_array_end(json);
    json_object_end(json);
    return api_reply(request, 200);
}

static const char *
database_name_of(const DatabaseRows *databases, int32_t database_id)
{
    for (size_t i = 0; i < databases->count; i++)
        if (databases->items[i].database_id == database_id)
            return databases->items[i].database_name;
    return NULL;
}

static void
activity_row_write(JsonWriter *json, const ActivityMinute *sum, const ActivityRow *row,
                   const DatabaseRows *databases)
{
    json_object_begin(json);
    json_key_string(json, "database_name", database_name_of(databases, row->database_id));
    api_json_id(json, "query_hash", row->queryid & INT64_MAX);
    json_key_string(json, "state", row->state);
    json_key_string(json, "wait_type", row->wait_type);
    json_key_string(json, "wait_event", row->wait_event[0] == '\0' ? NULL : row->wait_event);
    json_key_int(json, "seen", row->seen);
    json_key_double(json, "sessions", sum->samples == 0 ? NAN : (double)row->seen / (double)sum->samples);
    json_object_end(json);
}

bool
handle_target_activity(ApiRequest *request, Error *error)
{
    int64_t from_us;
    int64_t to_us;
    int64_t limit = ACTIVITY_STANDARD;
    PgConnection *session;
    ActivityMinute sum;
    DatabaseRows databases;
    if (!api_parameter_range(request, DAY_MS, &from_us, &to_us) ||
        !api_parameter_int(request, "limit", 1, ACTIVITY_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !database_rows_read(session, request->arena, request->id, &databases, error) ||
        !activity_read(session, request->arena, request->id, from_us, to_us, &sum, error))
        return false;
    JsonWriter *json = api_ranged_begin(request, "target_id", from_us, to_us);
    json_key_int(json, "samples", sum.samples);
    json_key_int(json, "total", (int64_t)sum.row_count);
    json_key(json, "activity");
    json_array_begin(json);
    for (size_t i = 0; i < sum.row_count && i < (size_t)limit; i++)
        activity_row_write(json, &sum, &sum.rows[i], &databases);
    json_array_end(json);
    json_object_end(json);
    return api_reply(request, 200);
}

static const char *
relation_kind_word(char kind)
{
    switch (kind) {
        case 'r': return "table";
        case 'p': return "partitioned table";
        case 'm': return "materialized view";
        case 't': return "toast table";
        case 'i': return "index";
        default: return "other";
    }
}

typedef struct RelationPlace {
    const RelationRound *round;
    const RelationRow *row;
} RelationPlace;

static int
compare_sizes(const void *left, const void *right)
{
    const RelationPlace *a = left;
    const RelationPlace *b = right;
    if (a->row->size_bytes != b->row->size_bytes)
        return a->row->size_bytes < b->row->size_bytes ? 1 : -1;
    return strcmp(a->row->relation_name, b->row->relation_name);
}

static void
unknown_or_int(JsonWriter *json, const char *key, int64_t value)
{
    json_key(json, key);
    if (value < 0)
        json_write_null(json);
    else
        json_int(json, value);
}

static void
relation_write(JsonWriter *json, const RelationPlace *place, const DatabaseRows *databases)
{
    const RelationRow *row = place->row;
    json_object_begin(json);
    json_key_string(json, "database_name", database_name_of(databases, place->round->database_id));
    api_json_time(json, "collected_at", place->round->collected_at_us);
    api_json_time(json, "statistics_reset_at", place->round->statistics_reset_at_us);
    json_key_int(json, "relation_oid", row->relation_oid);
    json_key_int(json, "table_oid", row->table_oid);
    json_key_string(json, "schema_name", row->schema_name);
    json_key_string(json, "relation_name", row->relation_name);
    json_key_string(json, "kind", relation_kind_word(row->kind));
    unknown_or_int(json, "size_bytes", row->size_bytes);
    json_key_double(json, "row_estimate", row->row_estimate < 0 ? NAN : row->row_estimate);
    const struct {
        const char *key;
        int64_t value;
    } counts[] = {
        {"scans", row->scans},
        {"rows_read", row->rows_read},
        {"index_scans", row->index_scans},
        {"rows_inserted", row->rows_inserted},
        {"rows_updated", row->rows_updated},
        {"rows_updated_hot", row->rows_updated_hot},
        {"rows_deleted", row->rows_deleted},
        {"live_rows", row->live_rows},
        {"dead_rows", row->dead_rows},
        {"blocks_hit", row->blocks_hit},
        {"blocks_read", row->blocks_read},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(counts); i++)
        unknown_or_int(json, counts[i].key, counts[i].value);
    api_json_time(json, "vacuumed_at", row->vacuumed_at_us);
    api_json_time(json, "analyzed_at", row->analyzed_at_us);
    json_key_double(json, "bloat_bytes", row->bloat_bytes);
    json_key_bool(json, "bloat_is_measured", row->bloat_is_measured);
    json_object_end(json);
}

/* The relations of the rounds, the largest first. */
static size_t
relations_sort(ApiRequest *request, const RelationRound *rounds, size_t round_count,
               const DatabaseRows *databases, const char *database_name, RelationPlace **ret_places)
{
    size_t total = 0;
    for (size_t i = 0; i < round_count; i++)
        total += rounds[i].row_count;
    RelationPlace *places = ARENA_NEW_ARRAY(request->arena, RelationPlace, total);
    size_t count = 0;
    for (size_t i = 0; i < round_count; i++) {
        const char *name = database_name_of(databases, rounds[i].database_id);
        if (database_name != NULL && !text_equals(name, database_name))
            continue;
        for (size_t j = 0; j < rounds[i].row_count; j++)
            places[count++] = (RelationPlace){&rounds[i], &rounds[i].rows[j]};
    }
    if (count > 0)
        qsort(places, count, sizeof(*places), compare_sizes);
    *ret_places = places;
    return count;
}

bool
handle_target_relations(ApiRequest *request, Error *error)
{
    const char *database_name;
    int64_t at_us = 0;
    int64_t limit = RELATIONS_STANDARD;
    PgConnection *session;
    DatabaseRows databases;
    RelationRound *rounds;
    size_t round_count;
    if (!api_parameter_text(request, "database_name", &database_name) ||
        !api_parameter_time(request, "at", &at_us) ||
        !api_parameter_int(request, "limit", 1, RELATIONS_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !database_rows_read(session, request->arena, request->id, &databases, error) ||
        !relation_rounds_read(session, request->arena, request->id, 0, at_us, &rounds, &round_count, error))
        return false;
    RelationPlace *places;
    size_t count = relations_sort(request, rounds, round_count, &databases, database_name, &places);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "target_id", request->id);
    json_key_int(json, "total", (int64_t)count);
    json_key(json, "relations");
    json_array_begin(json);
    for (size_t i = 0; i < count && i < (size_t)limit; i++)
        relation_write(json, &places[i], &databases);
    json_array_end(json);
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_target_setting_changes(ApiRequest *request, Error *error)
{
    int64_t from_us;
    int64_t to_us;
    PgConnection *session;
    SettingChanges changes;
    if (!api_parameter_range(request, 30 * DAY_MS, &from_us, &to_us))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !setting_changes_read(session, request->arena, request->id, from_us, to_us, &changes, error))
        return false;
    JsonWriter *json = api_ranged_begin(request, "target_id", from_us, to_us);
    json_key(json, "changes");
    json_array_begin(json);
    for (size_t i = 0; i < changes.count; i++) {
        json_object_begin(json);
        api_json_time(json, "changed_at", changes.items[i].changed_at_us);
        json_key_string(json, "name", changes.items[i].name);
        json_key_string(json, "old_value", changes.items[i].old_value);
        json_key_string(json, "new_value", changes.items[i].new_value);
        json_key_string(json, "source", changes.items[i].source);
        json_object_end(json);
    }
    return api_list_reply(request, changes.count);
}
