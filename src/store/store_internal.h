// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the store share.
 */
#ifndef FETTLE_STORE_STORE_INTERNAL_H
#define FETTLE_STORE_STORE_INTERNAL_H

#include "pg/query_text.h"
#include "pg/result.h"
#include "store/cluster.h"
#include "store/store.h"

#include <inttypes.h>

/* The text of queries/<name>.sql. */
const char *store_query_text(const char *name);

/* One statement of queries/ with parameters; ret_result NULL: its rows do not matter. */
bool store_query(PgConnection *session, const char *name, const char *const *parameters, int parameter_count,
                 PgResult **ret_result, Error *error) FETTLE_MUST_USE;

/* The same with rows in binary format, for what has many or long ones. */
bool store_query_binary(PgConnection *session, const char *name, const char *const *parameters,
                        int parameter_count, PgResult **ret_result, Error *error) FETTLE_MUST_USE;

/* The same, parsed once a session and mostly planned once too: for what is asked all the time, of which the
 * best plan does not depend on the parameters. */
bool store_query_prepared(PgConnection *session, const char *name, const char *const *parameters,
                          int parameter_count, PgResult **ret_result, Error *error) FETTLE_MUST_USE;

/* Both: prepared, and rows in binary format. */
bool store_query_prepared_binary(PgConnection *session, const char *name, const char *const *parameters,
                                 int parameter_count, PgResult **ret_result, Error *error) FETTLE_MUST_USE;

#define STORE_PARAMETERS(...)                                                                                \
    (const char *const[]){__VA_ARGS__}, (int)FETTLE_COUNT_OF(((const char *const[]){__VA_ARGS__}))

/* A number as a parameter's text; NULL for the value that means none. */
#define STORE_NUMBER_BYTES 24
typedef struct StoreNumber {
    char text[STORE_NUMBER_BYTES];
} StoreNumber;

StoreNumber store_number(int64_t value);

/* Makes libsodium ready; any thread, any number of times. */
void store_sodium_begin(void);

const Settings *store_settings(const Store *store);
/* Fettle's data directory. */
const char *store_data_directory(const Store *store);

#endif
