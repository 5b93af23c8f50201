// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of observations share: rows of partitioned tables, and arrays as parameters.
 */
#ifndef FETTLE_STORE_OBSERVATION_INTERNAL_H
#define FETTLE_STORE_OBSERVATION_INTERNAL_H

#include "base/text.h"
#include "pg/identifier.h"
#include "store/observation.h"
#include "store/store_internal.h"

/* One row of a partitioned table. */
typedef struct ObservationInsert {
    const char *query; /* of queries/ */
    const char *table;
    int64_t at_us; /* its time */
    const char *const *parameters;
    int parameter_count;
} ObservationInsert;

/* Inserts, within the transaction when there is one; a partition that is missing is made. */
bool observation_insert(PgConnection *session, const ObservationInsert *insert, Error *error) FETTLE_MUST_USE;

/* Around so many rows: all or none of them. One row needs no more than itself: a thousand targets write two
 * such rows each a minute, and a transaction around it takes four round trips more. */
bool observation_begin(PgConnection *session, size_t count, Error *error) FETTLE_MUST_USE;
bool observation_end(PgConnection *session, bool is_good, Error *error) FETTLE_MUST_USE;

/* Arrays of numbers as parameter texts, element by element. */
Text observation_array_begin(Arena *arena);
void observation_array_int(Text *array, int64_t value);
void observation_array_real(Text *array, double value); /* NAN: NULL; what a real cannot hold too */
void observation_array_bool(Text *array, bool value);
const char *observation_array_end(Text *array);

#endif
