// SPDX-License-Identifier: PostgreSQL
#include "store/store_internal.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

extern const PgQueryText store_queries[];

const char *
store_query_text(const char *name)
{
    const char *text = pg_query_text(store_queries, name, 15);
    fettle_assert(text != NULL);
    return text;
}

bool
store_query(PgConnection *session, const char *name, const char *const *parameters, int parameter_count,
            PgResult **ret_result, Error *error)
{
    PgQuery query = {
        .text = store_query_text(name), .parameters = parameters, .parameter_count = parameter_count};
    return pg_query(session, &query, ret_result, error);
}

bool
store_query_binary(PgConnection *session, const char *name, const char *const *parameters,
                   int parameter_count, PgResult **ret_result, Error *error)
{
    PgQuery query = {.text = store_query_text(name),
                     .parameters = parameters,
                     .parameter_count = parameter_count,
                     .is_binary = true};
    return pg_query(session, &query, ret_result, error);
}

bool
store_query_prepared(PgConnection *session, const char *name, const char *const *parameters,
                     int parameter_count, PgResult **ret_result, Error *error)
{
    PgQuery query = {.text = store_query_text(name),
                     .parameters = parameters,
                     .parameter_count = parameter_count,
                     .is_prepared = true};
    return pg_query(session, &query, ret_result, error);
}

bool
store_query_prepared_binary(PgConnection *session, const char *name, const char *const *parameters,
                            int parameter_count, PgResult **ret_result, Error *error)
{
    PgQuery query = {.text = store_query_text(name),
                     .parameters = parameters,
                     .parameter_count = parameter_count,
                     .is_binary = true,
                     .is_prepared = true};
    return pg_query(session, &query, ret_result, error);
}

StoreNumber
store_number(int64_t value)
{
    StoreNumber number;
    snprintf(number.text, sizeof(number.text), "%" PRId64, value);
    return number;
}

static void
sodium_begin(void)
{
    fettle_assert(sodium_init() >= 0);
}

void
store_sodium_begin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, sodium_begin);
}
