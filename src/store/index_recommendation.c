// SPDX-License-Identifier: PostgreSQL
#include "store/index_recommendation.h"

#include "base/json_writer.h"
#include "pg/identifier.h"
#include "store/store_internal.h"

#include <math.h>

static void
key_texts(JsonWriter *json, const char *key, const char *const *texts, size_t count)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        json_write_string(json, texts[i]);
    json_array_end(json);
}

static void
key_known(JsonWriter *json, const char *key, int64_t value, int64_t unknown)
{
    json_key(json, key);
    if (value == unknown)
        json_write_null(json);
    else
        json_int(json, value);
}

static void
found_write(JsonWriter *json, Arena *arena, const IndexRecommendation *found, size_t number)
{
    json_object_begin(json);
    json_key_int(json, "number", (int64_t)number);
    json_key_string(json, "schema_name", found->schema_name);
    json_key_string(json, "table_name", found->table_name);
    json_key_string(json, "index_name", found->index_name);
    key_texts(json, "columns", found->columns, found->column_count);
    json_key_string(json, "index_type", found->index_type);
    json_key_bool(json, "is_unique", found->is_unique);
    json_key_string(json, "predicate", found->predicate);
    if (found->include_count > 0)
        key_texts(json, "include_columns", found->include_columns, found->include_count);
    json_key_string(json, "recommendation_type", found->type);
    json_key_double(json, "estimated_benefit", found->estimated_benefit);
    json_key_double(json, "estimated_cost", found->estimated_cost);
    json_key_double(json, "confidence_score", found->confidence_score);
    key_known(json, "affected_query_count", found->affected_query_count, -1);
    json_key_double(json, "affected_total_time_ms", found->affected_total_time_ms);
    json_key(json, "query_hashes");
    json_array_begin(json);
    for (size_t i = 0; i < found->query_hash_count; i++)
        json_int(json, (int64_t)found->query_hashes[i]);
    json_array_end(json);
    json_key_int(json, "usage_count", found->usage_count);
    json_key_string(json, "last_used_at",
                    found->last_used_at_us == 0 ? NULL : clock_format_utc(arena, found->last_used_at_us));
    key_known(json, "size_bytes", found->size_bytes, -1);
    json_key_string(json, "create_statement", found->create_statement);
    json_key_string(json, "reason", found->reason);
    json_key_bool(json, "was_invalid", found->was_invalid);
    json_object_end(json);
}

/* Both or neither: what is retired is written anew. ret_rows: what was written. */
static bool
rows_replace(PgConnection *session, const char *const parameters[4], PgResult **ret_rows, Error *error)
{
    Error ignored = {0};
    bool is_within = pg_connection_is_in_transaction(session);
    bool good = (is_within || pg_execute(session, "BEGIN", error)) &&
                store_query(session, "index_recommendation_lock", parameters, 2, NULL, error) &&
                store_query(session, "index_recommendation_retire", parameters, 3, NULL, error) &&
                store_query(session, "index_recommendation_write", parameters, 4, ret_rows, error) &&
                (is_within || pg_execute(session, "COMMIT", error));
    if (!good && !is_within && pg_connection_is_in_transaction(session))
        (void)!pg_transaction_end(session, &ignored);
    return good;
}

static void
written_take(Arena *arena, const PgResult *rows, int64_t row, IndexRecommendation *found)
{
    found->id = pg_result_int(rows, row, 1, 0);
    found->status = arena_strdup(arena, pg_result_text(rows, row, 2));
    found->created_at_us = pg_result_int(rows, row, 3, 0);
    found->applied_at_us = pg_result_int(rows, row, 4, 0);
}

bool
index_recommendations_write(PgConnection *session, Arena *arena, IndexRecommendations *found,
                            int64_t target_id, const char *database_name, const char *types, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_array_begin(&json);
    for (size_t i = 0; i < found->count; i++) {
        IndexRecommendation *subject = &found->items[i];
        found_write(&json, arena, subject, i);
        subject->id = 0;
        subject->target_id = target_id;
        subject->database_name = arena_strdup(arena, database_name);
        subject->status = "recommended";
    }
    json_array_end(&json);
    StoreNumber target = store_number(target_id);
    const char *parameters[] = {target.text, database_name, text.data, types};
    if (!rows_replace(session, parameters, &rows, error))
        return error_prefix(error, "could not write the index recommendations");
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        int64_t number = pg_result_int(rows, row, 0, -1);
        if (number >= 0 && (size_t)number < found->count)
            written_take(arena, rows, row, &found->items[number]);
    }
    return true;
}

static bool
texts_read(Arena *arena, const char *text, const char *const **ret_texts, size_t *ret_count, Error *error)
{
    const char **texts = NULL;
    *ret_count = 0;
    if (text != NULL && !pg_array_parse(arena, text, &texts, ret_count))
        return error_set(error, ERROR_DAMAGED, "a list of columns in the store cannot be read");
    *ret_texts = texts;
    return true;
}

static bool
recommendation_read_row(const PgResult *rows, int64_t row, Arena *arena, IndexRecommendation *read,
                        Error *error)
{
    *read = (IndexRecommendation){.id = pg_result_int(rows, row, 0, 0),
                                  .target_id = pg_result_int(rows, row, 1, 0),
                                  .database_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                                  .schema_name = arena_strdup(arena, pg_result_text(rows, row, 3)),
                                  .table_name = arena_strdup(arena, pg_result_text(rows, row, 4)),
                                  .index_name = arena_strdup(arena, pg_result_text(rows, row, 5)),
                                  .index_type = arena_strdup(arena, pg_result_text(rows, row, 7)),
                                  .is_unique = pg_result_bool(rows, row, 8),
                                  .predicate = arena_strdup(arena, pg_result_text(rows, row, 9)),
                                  .type = arena_strdup(arena, pg_result_text(rows, row, 11)),
                                  .estimated_benefit = pg_result_double(rows, row, 12, NAN),
                                  .estimated_cost = pg_result_double(rows, row, 13, NAN),
                                  .confidence_score = pg_result_double(rows, row, 14, NAN),
                                  .affected_query_count = pg_result_int(rows, row, 15, -1),
                                  .affected_total_time_ms = pg_result_double(rows, row, 16, NAN),
                                  .usage_count = pg_result_int(rows, row, 17, 0),
                                  .last_used_at_us = pg_result_int(rows, row, 18, 0),
                                  .size_bytes = pg_result_int(rows, row, 19, -1),
                                  .create_statement = arena_strdup(arena, pg_result_text(rows, row, 20)),
                                  .status = arena_strdup(arena, pg_result_text(rows, row, 21)),
                                  .reason = arena_strdup(arena, pg_result_text(rows, row, 22)),
                                  .created_at_us = pg_result_int(rows, row, 23, 0),
                                  .applied_at_us = pg_result_int(rows, row, 24, 0),
                                  .is_unearned = pg_result_bool(rows, row, 25),
                                  .was_invalid = pg_result_bool(rows, row, 26)};
    return texts_read(arena, pg_result_text(rows, row, 6), &read->columns, &read->column_count, error) &&
           texts_read(arena, pg_result_text(rows, row, 10), &read->include_columns, &read->include_count,
                      error);
}

static bool
recommendations_read(PgConnection *session, Arena *arena, const char *const parameters[5],
                     IndexRecommendations *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "index_recommendation_list", parameters, 5, &rows, error))
        return error_prefix(error, "could not read the index recommendations");
    IndexRecommendations list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, IndexRecommendation, list.count);
    for (size_t i = 0; i < list.count; i++)
        if (!recommendation_read_row(rows, (int64_t)i, arena, &list.items[i], error))
            return false;
    *ret_list = list;
    return true;
}

bool
index_recommendation_get(PgConnection *session, Arena *arena, int64_t id,
                         IndexRecommendation *ret_recommendation, Error *error)
{
    StoreNumber number = store_number(id);
    const char *parameters[] = {number.text, NULL, NULL, "1", NULL};
    IndexRecommendations list;
    if (!recommendations_read(session, arena, parameters, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no index recommendation %" PRId64, id);
    *ret_recommendation = list.items[0];
    return true;
}

bool
index_recommendation_list(PgConnection *session, Arena *arena, int64_t target_id, const char *status,
                          size_t most, IndexRecommendations *ret_list, Error *error)
{
    fettle_assert(most >= 1 && most <= INDEX_RECOMMENDATIONS_MOST);
    StoreNumber target = store_number(target_id);
    StoreNumber limit = store_number((int64_t)most);
    const char *parameters[] = {NULL, target.text, status, limit.text, NULL};
    return recommendations_read(session, arena, parameters, ret_list, error);
}

bool
index_auto_candidates(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                      IndexRecommendations *ret_list, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber limit = store_number(INDEX_RECOMMENDATIONS_MOST);
    const char *parameters[] = {NULL, target.text, "recommended", limit.text, database_name};
    return recommendations_read(session, arena, parameters, ret_list, error);
}

bool
index_recommendation_is_successor(const IndexRecommendation *recommendation)
{
    return text_equals(recommendation->type, "modify") && recommendation->create_statement != NULL &&
           text_starts_with(recommendation->create_statement, "CREATE ");
}

bool
index_unearned_refresh(PgConnection *session, int64_t target_id, int64_t *ret_proposed, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "index_unearned_refresh", STORE_PARAMETERS(target_id == 0 ? NULL : target.text),
                     &rows, error))
        return error_prefix(error, "could not look for indexes that did not earn their cost");
    *ret_proposed = pg_result_int(rows, 0, 0, 0);
    return true;
}

bool
index_auto_targets(PgConnection *session, Arena *arena, const IndexAutoOrder *order, int64_t **ret_target_ids,
                   size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber interval = store_number(order->interval_ms);
    StoreNumber limit = store_number((int64_t)order->most);
    if (!store_query(session, "index_auto_targets",
                     STORE_PARAMETERS(INDEX_AUTO_JOB, interval.text, limit.text,
                                      order->classes[CHANGE_CREATE_INDEX], order->classes[CHANGE_DROP_INDEX],
                                      order->classes[CHANGE_REPLACE_INDEX]),
                     &rows, error))
        return error_prefix(error, "could not look for targets whose indexes are due");
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_target_ids = ARENA_NEW_ARRAY(arena, int64_t, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_target_ids)[i] = pg_result_int(rows, (int64_t)i, 0, 0);
    return true;
}

bool
index_auto_opens(PgConnection *session, const IndexAutoOrder *order, int64_t *ret_wait_ms, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "index_auto_opens",
                     STORE_PARAMETERS(order->classes[CHANGE_CREATE_INDEX], order->classes[CHANGE_DROP_INDEX],
                                      order->classes[CHANGE_REPLACE_INDEX]),
                     &rows, error))
        return error_prefix(error, "could not look for windows that will open");
    *ret_wait_ms = pg_result_int(rows, 0, 0, INT64_MAX);
    return true;
}

bool
index_auto_is_free(PgConnection *session, int64_t target_id, bool *ret_is_free, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "index_auto_is_free", STORE_PARAMETERS(target.text), &rows, error))
        return error_prefix(error, "could not look for changes that are open or not measured");
    *ret_is_free = pg_result_bool(rows, 0, 0);
    return true;
}
