// SPDX-License-Identifier: PostgreSQL
/*
 * Where a query is known: the statements of all targets, or of one, that have a query hash (contract,
 * section 1: a primary and its replica report equal ones).
 */
#ifndef FETTLE_STORE_QUERY_PLACE_H
#define FETTLE_STORE_QUERY_PLACE_H

#include "pg/connection.h"

#define QUERY_PLACES_MOST 200

typedef struct QueryPlace {
    int64_t target_id;
    const char *target_name;
    int32_t statement_id;
    const char *database_name; /* NULL unknown */
    const char *user_name;     /* NULL unknown */
    int64_t queryid;
    int64_t fingerprint_hash; /* 0 unknown */
    bool is_toplevel;
    const char *query_text; /* NULL unknown */
    int64_t first_seen_us;
    int64_t last_seen_us;
} QueryPlace;

typedef struct QueryPlaces {
    QueryPlace *items;
    size_t count;
} QueryPlaces;

/* target_id 0: all. In order of target and statement, at most QUERY_PLACES_MOST. with_texts false leaves
 * query_text NULL. */
bool query_places_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t query_hash,
                       bool with_texts, QueryPlaces *ret_places, Error *error) FETTLE_MUST_USE;

#endif
