// SPDX-License-Identifier: PostgreSQL
/*
 * Index recommendations (fettle.index_recommendations): what the analyses of a target's database propose to
 * create, drop or rebuild, and what became of it.
 *
 * An analysis writes its whole finding at once: rows it found before are refreshed in place, open ones that
 * it no longer finds go, and what was rejected stays rejected. What was carried out is not proposed again
 * within 30 days, so that nothing is built and dropped in turns; another index of the same columns is, under
 * a number of its own.
 */
#ifndef FETTLE_STORE_INDEX_RECOMMENDATION_H
#define FETTLE_STORE_INDEX_RECOMMENDATION_H

#include "pg/connection.h"
#include "store/change_policy.h"

#define INDEX_RECOMMENDATIONS_MOST 500
/* Kind of the jobs that look for what may be done unasked. */
#define INDEX_AUTO_JOB "index_auto"

typedef struct IndexRecommendation {
    int64_t id;
    int64_t target_id;
    const char *database_name;
    const char *schema_name;
    const char *table_name;
    const char *index_name; /* that is dropped or modified, or will be made; NULL: none is known */
    const char *const *columns;
    size_t column_count;
    const char *index_type;
    bool is_unique;
    const char *predicate; /* NULL: of all rows */
    const char *const *include_columns;
    size_t include_count;
    const char *type;             /* create, drop, modify */
    double estimated_benefit;     /* percent; NAN unknown, as below */
    double estimated_cost;        /* percent */
    double confidence_score;      /* 0..1 */
    int64_t affected_query_count; /* -1 unknown */
    double affected_total_time_ms;
    const uint64_t *query_hashes; /* of the statements that gain, most first; written, not read */
    size_t query_hash_count;
    int64_t usage_count;
    int64_t last_used_at_us; /* 0: unknown, or never */
    int64_t size_bytes;      /* -1 unknown */
    const char
        *create_statement; /* makes it, or makes it again; of modify: a REINDEX, or makes its successor */
    const char *status;    /* recommended, created, dropped, rejected */
    const char *reason;
    int64_t created_at_us;
    int64_t applied_at_us; /* 0: it was not */
    bool was_invalid;      /* the index to drop: that is why it may go */
    bool is_unearned;      /* proposed for not having earned its cost; only read */
} IndexRecommendation;

typedef struct IndexRecommendations {
    IndexRecommendation *items;
    size_t count;
} IndexRecommendations;

/* What an analysis of one database found, all of it. types: the kinds that it looked for, as an array's text
 * of create, drop, modify (rebuild) and replace (modify, by a successor); open rows of these kinds that are
 * not among the found ones go. Sets what each found one is in the store: id (0: it is not kept, for another
 * differs in its predicate alone and is better), status, times. */
bool index_recommendations_write(PgConnection *session, Arena *arena, IndexRecommendations *found,
                                 int64_t target_id, const char *database_name, const char *types,
                                 Error *error) FETTLE_MUST_USE;
bool index_recommendation_get(PgConnection *session, Arena *arena, int64_t id,
                              IndexRecommendation *ret_recommendation, Error *error) FETTLE_MUST_USE;
/* True when a recommendation to modify makes another index in its place; else it rebuilds it. */
bool index_recommendation_is_successor(const IndexRecommendation *recommendation);

/* Proposes to drop what Fettle made a week ago or earlier and did not earn its cost, by the results and the
 * rounds of the store, and takes back what is not so any more; target_id 0: of all targets. */
bool index_unearned_refresh(PgConnection *session, int64_t target_id, int64_t *ret_proposed, Error *error)
    FETTLE_MUST_USE;

/* Enabled targets of which a class is auto, that no INDEX_AUTO_JOB began for within the interval, that are
 * not paused and whose window, if any, is open. */
typedef struct IndexAutoOrder {
    int64_t interval_ms;
    size_t most;
    const char *classes[CHANGE_ACTIONS]; /* of the server, for targets without their own */
} IndexAutoOrder;
bool index_auto_targets(PgConnection *session, Arena *arena, const IndexAutoOrder *order,
                        int64_t **ret_target_ids, size_t *ret_count, Error *error) FETTLE_MUST_USE;
/* How long until a window opens of an enabled target of which a class is auto; INT64_MAX: of none, or it is
 * open. */
bool index_auto_opens(PgConnection *session, const IndexAutoOrder *order, int64_t *ret_wait_ms, Error *error)
    FETTLE_MUST_USE;
/* False while an index change of the target is open, or waits for its measurement. */
bool index_auto_is_free(PgConnection *session, int64_t target_id, bool *ret_is_free, Error *error)
    FETTLE_MUST_USE;
/* What may be carried out unasked in a database, the greatest benefit first: what is recommended, but for
 * what a person dismissed, were it as another source's finding; at most INDEX_RECOMMENDATIONS_MOST. */
bool index_auto_candidates(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                           IndexRecommendations *ret_list, Error *error) FETTLE_MUST_USE;
/* The greatest benefit first; status NULL: any; most 1 .. INDEX_RECOMMENDATIONS_MOST. */
bool index_recommendation_list(PgConnection *session, Arena *arena, int64_t target_id, const char *status,
                               size_t most, IndexRecommendations *ret_list, Error *error) FETTLE_MUST_USE;

#endif
