// SPDX-License-Identifier: PostgreSQL
#include "store/recommendation.h"

#include "pg/identifier.h"
#include "store/index_recommendation.h"
#include "store/store_internal.h"

#include <math.h>
#include <string.h>

#define NUMBER_FORMAT "%.17g" /* any double survives it */

bool
recommendations_aggregate(PgConnection *session, Arena *arena, const AggregateOptions *options,
                          Aggregated *ret_aggregated, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber hash = store_number(options->query_hash);
    StoreNumber target = store_number(options->target_id);
    int64_t unearned;
    /* what is asked of one query is not about what other indexes cost */
    if (options->query_hash == 0 && !index_unearned_refresh(session, options->target_id, &unearned, error))
        return false;
    if (!store_query(session, "recommendation_aggregate",
                     STORE_PARAMETERS(options->query_hash == 0 ? NULL : hash.text,
                                      arena_printf(arena, NUMBER_FORMAT, options->min_confidence),
                                      options->target_id == 0 ? NULL : target.text),
                     &rows, error))
        return error_prefix(error, "could not aggregate the recommendations");
    Aggregated aggregated = {.count = pg_result_int(rows, 0, 0, 0)};
    if (!pg_array_parse(arena, pg_result_text(rows, 0, 1), &aggregated.source_types,
                        &aggregated.source_type_count))
        return error_set(error, ERROR_DAMAGED, "the list of sources cannot be read");
    *ret_aggregated = aggregated;
    return true;
}

static RankedRecommendation
row_read(const PgResult *rows, int64_t row, Arena *arena)
{
    return (RankedRecommendation){.id = pg_result_int(rows, row, 0, 0),
                                  .target_id = pg_result_int(rows, row, 1, 0),
                                  .target_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                                  .query_hash = pg_result_int(rows, row, 3, 0),
                                  .fingerprint_hash = pg_result_int(rows, row, 4, 0),
                                  .source_type = arena_strdup(arena, pg_result_text(rows, row, 5)),
                                  .source_id = pg_result_int(rows, row, 6, 0),
                                  .kind = arena_strdup(arena, pg_result_text(rows, row, 7)),
                                  .text = arena_strdup(arena, pg_result_text(rows, row, 8)),
                                  .explanation = arena_strdup(arena, pg_result_text(rows, row, 9)),
                                  .improvement_percent = pg_result_double(rows, row, 10, NAN),
                                  .improvement_basis = arena_strdup(arena, pg_result_text(rows, row, 11)),
                                  .confidence = pg_result_double(rows, row, 12, NAN),
                                  .urgency = pg_result_double(rows, row, 13, NAN),
                                  .roi = pg_result_double(rows, row, 14, NAN),
                                  .saving_ms_per_hour = pg_result_double(rows, row, 15, NAN),
                                  .saving_low = pg_result_double(rows, row, 16, NAN),
                                  .saving_high = pg_result_double(rows, row, 17, NAN),
                                  .complexity = arena_strdup(arena, pg_result_text(rows, row, 18)),
                                  .is_dismissed = pg_result_bool(rows, row, 19),
                                  .dismissal_reason = arena_strdup(arena, pg_result_text(rows, row, 20)),
                                  .created_at_us = pg_result_int(rows, row, 21, 0),
                                  .updated_at_us = pg_result_int(rows, row, 22, 0),
                                  .planned_at_us = pg_result_int(rows, row, 23, 0),
                                  .planned_moment = arena_strdup(arena, pg_result_text(rows, row, 24))};
}

static bool
rows_read(PgConnection *session, Arena *arena, int64_t id, const RecommendationFilter *filter,
          RankedRecommendations *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber target = store_number(filter->target_id);
    StoreNumber hash = store_number(filter->query_hash);
    StoreNumber limit = store_number((int64_t)filter->limit);
    if (!store_query(session, "recommendation_list",
                     STORE_PARAMETERS(id == 0 ? NULL : number.text,
                                      filter->target_id == 0 ? NULL : target.text,
                                      filter->query_hash == 0 ? NULL : hash.text, filter->source_type,
                                      arena_printf(arena, NUMBER_FORMAT,
                                                   filter->min_impact > 0 ? filter->min_impact : 0.0),
                                      limit.text),
                     &rows, error))
        return error_prefix(error, "could not read the recommendations");
    RankedRecommendations list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, RankedRecommendation, list.count);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = row_read(rows, (int64_t)i, arena);
    *ret_list = list;
    return true;
}

bool
recommendation_list(PgConnection *session, Arena *arena, const RecommendationFilter *filter,
                    RankedRecommendations *ret_list, Error *error)
{
    fettle_assert(filter->limit >= 1 && filter->limit <= RECOMMENDATIONS_MOST);
    return rows_read(session, arena, 0, filter, ret_list, error);
}

bool
recommendation_get(PgConnection *session, Arena *arena, int64_t id, RankedRecommendation *ret_recommendation,
                   Error *error)
{
    RankedRecommendations list;
    if (!rows_read(session, arena, id, &(RecommendationFilter){.limit = 1}, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no recommendation %" PRId64, id);
    *ret_recommendation = list.items[0];
    return true;
}

bool
recommendation_source(PgConnection *session, Arena *arena, const RankedRecommendation *recommendation,
                      const char **ret_json, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber source = store_number(recommendation->source_id);
    StoreNumber target = store_number(recommendation->target_id);
    if (!store_query(session, "recommendation_source",
                     STORE_PARAMETERS(recommendation->source_type, source.text, target.text), &rows, error))
        return error_prefix(error, "could not read the suggestion");
    *ret_json = pg_result_rows(rows) == 0 ? NULL : arena_strdup(arena, pg_result_text(rows, 0, 0));
    return true;
}

bool
recommendation_dismiss(PgConnection *session, int64_t id, const char *reason, int64_t *ret_target_id,
                       Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (reason != NULL && (strcmp(reason, "implemented") == 0 || strcmp(reason, "reverted") == 0)) {
        error_set(error, ERROR_INPUT, "\"%s\" is no reason to dismiss it: Fettle writes that itself", reason);
        return error_set_hint(error, "say it in other words; what was carried out by hand is recorded with "
                                     "\"fettle apply --done\"");
    }
    if (!store_query(session, "recommendation_dismiss", STORE_PARAMETERS(number.text, reason), &rows, error))
        return error_prefix(error, "could not dismiss the recommendation");
    if (pg_result_rows(rows) == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no recommendation %" PRId64, id);
    *ret_target_id = pg_result_int(rows, 0, 0, 0);
    return true;
}
