// SPDX-License-Identifier: PostgreSQL
/*
 * Recommendations of all sources in one ranked list (fettle.optimization_recommendations).
 *
 * The rule by which findings become recommendations is in the store (migration 0010, view
 * fettle.recommendation_findings with a line for each source, function recommendations_aggregate()), so that
 * the server and whoever works in SQL follow the same one. Here are its calls and its rows.
 *
 *     recommendations_aggregate(session, arena, &options, &aggregated, error)
 *     recommendation_list(session, arena, &(RecommendationFilter){.limit = 20, .min_impact = 5}, &list,
 * error)
 */
#ifndef FETTLE_STORE_RECOMMENDATION_H
#define FETTLE_STORE_RECOMMENDATION_H

#include "pg/connection.h"

#define RECOMMENDATIONS_MOST 1000
#define RECOMMENDATION_REASON_BYTES 2000
#define RECOMMENDATIONS_CONFIDENCE 0.6 /* least one of findings, where nothing else is asked for */

typedef struct RankedRecommendation {
    int64_t id;
    int64_t target_id;
    const char *target_name;
    int64_t query_hash;       /* 0: it is of a database, or of none */
    int64_t fingerprint_hash; /* 0 unknown */
    const char *source_type;
    int64_t source_id; /* 0: entered by hand */
    const char *kind;  /* within the source; NULL: entered by hand */
    const char *text;
    const char *explanation;
    double improvement_percent;    /* NAN unknown, as below */
    const char *improvement_basis; /* time, round_trips, prior, convention; NULL unknown */
    double confidence;
    double urgency;
    double roi;
    double saving_ms_per_hour;
    double saving_low;
    double saving_high;
    const char *complexity; /* low, medium, high */
    bool is_dismissed;
    const char *dismissal_reason;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t planned_at_us;      /* when it is carried out, once it was approved for later; 0: it was not */
    const char *planned_moment; /* window, quiet; NULL: none */
} RankedRecommendation;

typedef struct RankedRecommendations {
    RankedRecommendation *items;
    size_t count;
} RankedRecommendations;

typedef struct AggregateOptions {
    int64_t query_hash; /* 0: all */
    int64_t target_id;  /* 0: all */
    double min_confidence;
} AggregateOptions;

typedef struct Aggregated {
    int64_t count;             /* inserted or refreshed */
    const char **source_types; /* of these, sorted */
    size_t source_type_count;
} Aggregated;

bool recommendations_aggregate(PgConnection *session, Arena *arena, const AggregateOptions *options,
                               Aggregated *ret_aggregated, Error *error) FETTLE_MUST_USE;

/* Not dismissed, the best return first; 0 and NULL: any. limit 1 .. RECOMMENDATIONS_MOST. */
typedef struct RecommendationFilter {
    int64_t target_id;
    int64_t query_hash;
    const char *source_type;
    double min_impact; /* percent; an unknown improvement counts as 0 */
    size_t limit;
} RecommendationFilter;

bool recommendation_list(PgConnection *session, Arena *arena, const RecommendationFilter *filter,
                         RankedRecommendations *ret_list, Error *error) FETTLE_MUST_USE;

/* ERROR_NOT_FOUND; a dismissed one is found, too. */
bool recommendation_get(PgConnection *session, Arena *arena, int64_t id,
                        RankedRecommendation *ret_recommendation, Error *error) FETTLE_MUST_USE;

/* The suggestion that it was made of, as JSON object text; NULL: there is none (any more). */
bool recommendation_source(PgConnection *session, Arena *arena, const RankedRecommendation *recommendation,
                           const char **ret_json, Error *error) FETTLE_MUST_USE;

/* reason NULL: none was given. ERROR_NOT_FOUND; ERROR_INPUT: the reason is one of the two words by which
 * Fettle knows what it carried out ("implemented") and undid ("reverted"). */
bool recommendation_dismiss(PgConnection *session, int64_t id, const char *reason, int64_t *ret_target_id,
                            Error *error) FETTLE_MUST_USE;

#endif
