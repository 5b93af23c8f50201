// SPDX-License-Identifier: PostgreSQL
/*
 * What there is to say of a target's indexes. All but the recommendations are asked of the target at the
 * moment of the request.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/index_internal.h"
#include "pg/identifier.h"
#include "store/index_recommendation.h"
#include "workflow/index_analysis.h"

#include <math.h>
#include <string.h>

#define RECOMMENDATIONS_STANDARD 100
#define MISSING_STANDARD 20
#define REPLY_RESERVE_MS 2000 /* of an analysis' time, for writing it down */
#define MIB (1024.0 * 1024.0)

static void
recommendation_write(JsonWriter *json, const IndexRecommendation *found)
{
    json_object_begin(json);
    api_json_id(json, "id", found->id);
    json_key_int(json, "connection_id", found->target_id);
    json_key_string(json, "database_name", found->database_name);
    json_key_string(json, "schema_name", found->schema_name);
    json_key_string(json, "table_name", found->table_name);
    json_key_string(json, "index_name", found->index_name);
    index_json_texts(json, "columns", found->columns, found->column_count);
    index_json_texts(json, "include_columns", found->include_columns, found->include_count);
    json_key_string(json, "index_type", found->index_type);
    json_key_bool(json, "is_unique", found->is_unique);
    json_key_string(json, "predicate", found->predicate);
    json_key_string(json, "recommendation_type", found->type);
    json_key_string(json, "reason", found->reason);
    json_key_double(json, "estimated_benefit", found->estimated_benefit);
    json_key_double(json, "estimated_cost", found->estimated_cost);
    json_key_double(json, "confidence_score", found->confidence_score);
    index_json_size(json, "affected_query_count", found->affected_query_count);
    json_key_double(json, "affected_total_time_ms", found->affected_total_time_ms);
    json_key_int(json, "usage_count", found->usage_count);
    json_key_int(json, "scans", found->usage_count);
    index_json_size(json, "size_bytes", found->size_bytes);
    api_json_time(json, "last_used_at", found->last_used_at_us);
    json_key_string(json, "status", found->status);
    api_json_time(json, "created_at", found->created_at_us);
    api_json_time(json, "applied_at", found->applied_at_us);
    json_key_string(json, "create_statement", found->create_statement);
    json_object_end(json);
}

static void
recommendations_write(JsonWriter *json, const IndexRecommendations *list)
{
    json_array_begin(json);
    for (size_t i = 0; i < list->count; i++)
        recommendation_write(json, &list->items[i]);
    json_array_end(json);
}

bool
handle_index_recommendations(ApiRequest *request, Error *error)
{
    static const char *const statuses[] = {"recommended", "created", "dropped", "rejected", NULL};
    int status;
    int64_t limit = RECOMMENDATIONS_STANDARD;
    PgConnection *session;
    IndexRecommendations list;
    if (!api_parameter_word(request, "status", statuses, -1, &status) ||
        !api_parameter_int(request, "limit", 1, INDEX_RECOMMENDATIONS_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !index_recommendation_list(session, request->arena, request->id, status < 0 ? NULL : statuses[status],
                                   (size_t)limit, &list, error))
        return false;
    recommendations_write(api_json(request), &list);
    return api_reply(request, 200);
}

static void
columns_write(JsonWriter *json, const SnapshotRelation *relation, const SnapshotIndex *index)
{
    json_key(json, "columns");
    json_array_begin(json);
    for (size_t i = 0; i < index->column_count; i++) {
        const SnapshotIndexColumn *column = &index->columns[i];
        const SnapshotColumn *plain = column->attnum > 0 ? snapshot_column(relation, column->attnum) : NULL;
        if (!column->is_included)
            json_write_string(json, plain != NULL ? plain->name : column->expression);
    }
    json_array_end(json);
}

static int64_t
index_bytes(const Snapshot *snapshot, const SnapshotIndex *index)
{
    return index->size_blocks < 0 ? -1 : index->size_blocks * snapshot->block_bytes;
}

/* The classes that the API has: a prefix is a kind of duplicate. NULL: it is listed elsewhere. */
static const char *
class_word(HygieneClass class)
{
    switch (class) {
        case HYGIENE_UNUSED:
        case HYGIENE_RARELY_USED: return hygiene_class_word(class);
        case HYGIENE_DUPLICATE:
        case HYGIENE_PREFIX: return hygiene_class_word(HYGIENE_DUPLICATE);
        default: return NULL;
    }
}

static void
finding_write(JsonWriter *json, const Snapshot *snapshot, const HygieneFinding *finding)
{
    const SnapshotIndex *index = finding->index;
    json_object_begin(json);
    json_key_string(json, "schema_name", index->schema);
    json_key_string(json, "table_name", finding->relation->name);
    json_key_string(json, "index_name", index->name);
    columns_write(json, finding->relation, index);
    json_key_int(json, "scans", finding->scans);
    index_json_size(json, "size_bytes", index_bytes(snapshot, index));
    api_json_time(json, "last_used_at", finding->last_used_at_us);
    json_key_string(json, "class", class_word(finding->class));
    json_key_bool(json, "is_proposed", finding->is_proposed);
    json_key_string(json, "reason", finding->reason);
    json_key_string(json, "drop_sql", finding->act_sql);
    json_key_string(json, "recreate_sql", finding->undo_sql);
    json_key_string(json, "in_its_place", finding->in_its_place == NULL ? NULL : finding->in_its_place->name);
    json_object_end(json);
}

static void
findings_write(JsonWriter *json, const IndexReview *review, int only)
{
    json_array_begin(json);
    for (size_t i = 0; i < review->findings.count; i++) {
        const HygieneFinding *finding = &review->findings.items[i];
        if (only < 0 ? class_word(finding->class) != NULL : (int)finding->class == only)
            finding_write(json, review->snapshot, finding);
    }
    json_array_end(json);
}

static bool
review_take(ApiRequest *request, int64_t rare_scans, IndexReview *ret_review, Error *error)
{
    const char *database = NULL;
    IndexManager manager;
    Error failure = {0};
    IndexReviewOptions options = {.rare_scans = rare_scans, .deadline = request->http->deadline};
    if (!api_parameter_text(request, "database_name", &database))
        return false;
    options.database = database;
    if (!index_target_begin(request, request->id, &manager, error))
        return false;
    return index_review_take(&manager, request->arena, request->id, &options, ret_review, &failure) ||
           index_target_refuse(request, &failure);
}

bool
handle_index_unused(ApiRequest *request, Error *error)
{
    int64_t threshold = -1;
    IndexReview review;
    if (!api_parameter_int(request, "usage_threshold", 0, INT64_MAX, &threshold) ||
        !review_take(request, threshold, &review, error))
        return false;
    findings_write(api_json(request), &review, -1);
    return api_reply(request, 200);
}

/* A table without a recommendation of the last analysis has nothing but its counters. */
static void
missing_write(JsonWriter *json, const IndexMissing *missing, const IndexRecommendation *found)
{
    json_object_begin(json);
    json_key_string(json, "schema_name", missing->relation->schema);
    json_key_string(json, "table_name", missing->relation->name);
    index_json_texts(json, "columns", found == NULL ? NULL : found->columns,
                     found == NULL ? 0 : found->column_count);
    json_key_string(json, "index_type", found == NULL ? NULL : found->index_type);
    json_key_int(json, "seq_scan", missing->sequential_scans);
    json_key_int(json, "seq_tup_read", missing->sequential_tuples);
    json_key_int(json, "idx_scan", missing->index_scans);
    json_key_double(json, "estimated_benefit", found == NULL ? NAN : found->estimated_benefit);
    json_key_double(json, "estimated_cost", found == NULL ? NAN : found->estimated_cost);
    index_json_size(json, "affected_queries", found == NULL ? -1 : found->affected_query_count);
    json_key_string(json, "create_sql", found == NULL ? NULL : found->create_statement);
    json_object_end(json);
}

/* Each table that is read whole too often, once for each index that is recommended for it; returns how many.
 */
static int64_t
missing_list_write(JsonWriter *json, const IndexReview *review, const IndexRecommendations *known,
                   int64_t limit)
{
    IndexMissing *missing;
    int64_t written = 0;
    size_t count = index_missing_find(json->text->arena, review->snapshot, &missing);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        for (size_t j = 0; j < known->count && written < limit; j++) {
            const IndexRecommendation *found = &known->items[j];
            if (strcmp(found->type, "create") != 0 || strcmp(found->database_name, review->database) != 0 ||
                strcmp(found->schema_name, missing[i].relation->schema) != 0 ||
                strcmp(found->table_name, missing[i].relation->name) != 0)
                continue;
            is_known = true;
            written++;
            missing_write(json, &missing[i], found);
        }
        if (!is_known && written < limit) {
            written++;
            missing_write(json, &missing[i], NULL);
        }
    }
    json_array_end(json);
    return (int64_t)count;
}

static bool
known_read(ApiRequest *request, IndexRecommendations *ret_known, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) &&
           index_recommendation_list(session, request->arena, request->id, "recommended",
                                     INDEX_RECOMMENDATIONS_MOST, ret_known, error);
}

bool
handle_index_missing(ApiRequest *request, Error *error)
{
    int64_t limit = MISSING_STANDARD;
    IndexReview review;
    IndexRecommendations known;
    if (!api_parameter_int(request, "limit", 1, INDEX_MISSING_MOST, &limit) ||
        !review_take(request, -1, &review, error) || !known_read(request, &known, error))
        return false;
    (void)missing_list_write(api_json(request), &review, &known, limit);
    return api_reply(request, 200);
}

static int64_t
class_count(const IndexReview *review, HygieneClass class)
{
    int64_t count = 0;
    for (size_t i = 0; i < review->findings.count; i++)
        count += review->findings.items[i].class == class;
    return count;
}

static void
indexes_write(JsonWriter *json, const Snapshot *snapshot)
{
    json_key(json, "indexes");
    json_array_begin(json);
    for (size_t i = 0; i < snapshot->index_count; i++) {
        const SnapshotIndex *index = &snapshot->indexes[i];
        const SnapshotRelation *relation = snapshot_relation(snapshot, index->relation_id);
        if (relation == NULL)
            continue;
        json_object_begin(json);
        json_key_string(json, "schema_name", index->schema);
        json_key_string(json, "table_name", relation->name);
        json_key_string(json, "index_name", index->name);
        columns_write(json, relation, index);
        json_key_string(json, "index_type", index->method);
        json_key_bool(json, "is_unique", index->is_unique);
        json_key_bool(json, "is_valid", index->is_valid);
        index_json_size(json, "scans", index->scans);
        index_json_size(json, "size_bytes", index_bytes(snapshot, index));
        json_key_string(json, "definition", index->definition);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
sizes_write(JsonWriter *json, const Snapshot *snapshot)
{
    int64_t total = 0;
    for (size_t i = 0; i < snapshot->index_count; i++) {
        int64_t bytes = index_bytes(snapshot, &snapshot->indexes[i]);
        total += bytes > 0 ? bytes : 0;
    }
    double count = (double)snapshot->index_count;
    json_key_int(json, "total_size_bytes", total);
    json_key_double(json, "total_index_size", (double)total / MIB);
    json_key_double(json, "avg_index_size", count > 0 ? (double)total / count / MIB : 0);
    json_key_string(json, "total_size", text_format_bytes(json->text->arena, (double)total));
}

static int64_t
rare_count(const IndexReview *review)
{
    int64_t count = 0;
    for (size_t i = 0; i < review->snapshot->index_count; i++) {
        int64_t scans = review->snapshot->indexes[i].scans;
        count += scans > 0 && scans < review->input.rare_scans;
    }
    return count;
}

bool
handle_index_statistics(ApiRequest *request, Error *error)
{
    IndexReview review;
    IndexRecommendations known;
    if (!review_take(request, -1, &review, error) || !known_read(request, &known, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "connection_id", request->id);
    json_key_string(json, "database_name", review.database);
    json_key_int(json, "total_indexes", (int64_t)review.snapshot->index_count);
    json_key_int(json, "unused_indexes", class_count(&review, HYGIENE_UNUSED));
    json_key_int(json, "unused_count", class_count(&review, HYGIENE_UNUSED));
    json_key_int(json, "rarely_used_count", rare_count(&review));
    json_key_int(json, "recommendations_count", (int64_t)known.count);
    sizes_write(json, review.snapshot);
    indexes_write(json, review.snapshot);
    json_key(json, "unused_index_list");
    findings_write(json, &review, HYGIENE_UNUSED);
    json_key(json, "rarely_used_indexes");
    findings_write(json, &review, HYGIENE_RARELY_USED);
    json_key(json, "missing_index_list");
    int64_t missing = missing_list_write(json, &review, &known, MISSING_STANDARD);
    json_key_int(json, "missing_indexes", missing);
    json_object_end(json);
    return api_reply(request, 200);
}

/* What the advice is not sure of; zeros where there is none. */
static void
unsure_write(JsonWriter *json, const Advice *advice)
{
    static const Advice none;
    advice = advice == NULL ? &none : advice;
    json_key_bool(json, "is_stopped_early", advice->is_stopped_early);
    json_key_int(json, "unreviewed_statements", (int64_t)advice->unreviewed_count);
    json_key_int(json, "unreviewed_indexes", (int64_t)advice->unreviewed_index_count);
    json_key_int(json, "unverified_statements", (int64_t)advice->unverified_count);
    json_key_int(json, "solver_failures", advice->solver_failures);
}

static void
results_write(JsonWriter *json, const IndexAnalysis *analysis)
{
    json_key(json, "results");
    json_object_begin(json);
    json_key_string(json, "database_name", analysis->review.database);
    json_key_int(json, "recommendations_count", (int64_t)analysis->recommendations.count);
    json_key_int(json, "skipped_count", (int64_t)analysis->skipped_count);
    json_key_string(json, "advice_failure", analysis->advice_failure);
    unsure_write(json, analysis->advice);
    json_key(json, "recommendations");
    recommendations_write(json, &analysis->recommendations);
    json_key(json, "rejections");
    json_array_begin(json);
    for (size_t i = 0; analysis->advice != NULL && i < analysis->advice->rejections.count; i++) {
        json_object_begin(json);
        json_key_string(json, "subject", analysis->advice->rejections.items[i].subject);
        json_key_string(json, "reason", analysis->advice->rejections.items[i].reason);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

/* The connection stands in the query or in the body. */
static bool
analyze_read(ApiRequest *request, int64_t *target_id, int *kind, const char **database)
{
    static const char *const words[] = {"full", "missing", "unused", NULL};
    const char *word = NULL;
    if (!api_parameter_int(request, "connection_id", 1, INT64_MAX, target_id) ||
        !api_field_int(request, "connection_id", 1, INT64_MAX, target_id) ||
        !api_field_text(request, "database_name", PG_IDENTIFIER_BYTES, database) ||
        !api_field_text(request, "analysis_type", PG_IDENTIFIER_BYTES, &word) ||
        !api_parameter_word(request, "analysis_type", words, INDEX_ANALYSIS_FULL, kind))
        return false;
    if (*target_id == 0)
        return api_refuse(request, 400, "missing_field", "connection_id is required");
    for (int i = 0; word != NULL && words[i] != NULL; i++)
        if (strcmp(words[i], word) == 0) {
            *kind = i;
            return true;
        }
    return word == NULL || api_refuse(request, 400, "invalid_parameter",
                                      "analysis_type must be one of full, missing, unused");
}

bool
handle_index_analyze(ApiRequest *request, Error *error)
{
    static const char *const words[] = {"full", "missing", "unused"};
    int64_t target_id = 0;
    int kind = INDEX_ANALYSIS_FULL;
    const char *database = NULL;
    IndexManager manager;
    IndexAnalysis analysis;
    Error failure = {0};
    if (!analyze_read(request, &target_id, &kind, &database))
        return false;
    if (!settings_get_bool(request->settings, SETTING_INDEX_ANALYSIS_ENABLED))
        return api_refuse(request, 422, "not_applicable", "index.analysis_enabled is off");
    request->object = arena_printf(request->arena, "target:%lld", (long long)target_id);
    if (!index_target_begin(request, target_id, &manager, error))
        return false;
    int left_ms = deadline_left_ms(request->http->deadline) - REPLY_RESERVE_MS;
    if (!index_analyze(&manager, request->arena, target_id, database, (IndexAnalysisKind)kind,
                       deadline_after_ms(left_ms > 0 ? left_ms : 0), &analysis, &failure))
        return index_target_refuse(request, &failure);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "connection_id", target_id);
    json_key_string(json, "analysis_type", words[kind]);
    results_write(json, &analysis);
    api_json_now(json, "analyzed_at");
    json_object_end(json);
    return api_reply(request, 200);
}
