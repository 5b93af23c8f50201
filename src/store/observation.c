// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#include <float.h>
#include <math.h>

/* "no partition of relation found for row" */
#define SQLSTATE_NO_PARTITION "23514"

/* Within a transaction a refused row must not end it; alone, a row is a transaction and one round trip. */
bool
observation_insert(PgConnection *session, const ObservationInsert *insert, Error *error)
{
    Error refused = {0};
    bool is_within = pg_connection_is_in_transaction(session);
    if (is_within && !pg_execute(session, "SAVEPOINT fettle_partition", &refused))
        return error_set(error, refused.code, "%s", refused.message);
    if (store_query(session, insert->query, insert->parameters, insert->parameter_count, NULL, &refused))
        return !is_within || pg_execute(session, "RELEASE SAVEPOINT fettle_partition", error);
    if (!text_equals(refused.sqlstate, SQLSTATE_NO_PARTITION)) {
        *error = refused;
        return false;
    }
    StoreNumber at = store_number(insert->at_us);
    return (!is_within || pg_execute(session, "ROLLBACK TO SAVEPOINT fettle_partition", error)) &&
           store_query(session, "observation_partition", STORE_PARAMETERS(insert->table, at.text), NULL,
                       error) &&
           store_query(session, insert->query, insert->parameters, insert->parameter_count, NULL, error);
}

bool
observation_begin(PgConnection *session, size_t count, Error *error)
{
    return count <= 1 || pg_execute(session, "BEGIN", error);
}

bool
observation_end(PgConnection *session, bool is_good, Error *error)
{
    Error ignored = {0};
    if (!pg_connection_is_in_transaction(session))
        return is_good;
    if (is_good)
        return pg_execute(session, "COMMIT", error);
    (void)!pg_transaction_end(session, &ignored);
    return false;
}

Text
observation_array_begin(Arena *arena)
{
    Text array = text_new(arena);
    text_append_char(&array, '{');
    return array;
}

static void
array_separate(Text *array)
{
    if (array->length > 1)
        text_append_char(array, ',');
}

void
observation_array_int(Text *array, int64_t value)
{
    array_separate(array);
    text_append_format(array, "%" PRId64, value);
}

void
observation_array_real(Text *array, double value)
{
    array_separate(array);
    bool is_known = isfinite(value) && fabs(value) <= (double)FLT_MAX;
    if (!is_known)
        text_append(array, "NULL");
    else if (fabs(value) < (double)FLT_MIN)
        text_append_char(array, '0');
    else
        text_append_format(array, "%.9g", value);
}

void
observation_array_bool(Text *array, bool value)
{
    array_separate(array);
    text_append_char(array, value ? 't' : 'f');
}

const char *
observation_array_end(Text *array)
{
    text_append_char(array, '}');
    return array->data;
}
