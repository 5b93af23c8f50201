// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#include "store/statement.h"

#include <inttypes.h>
#include <math.h>

#define US_PER_MS 1000.0
/* A server's texts are weighed again after so long when they were found too many, or few enough. */
#define TEXTS_WEIGHED_MS ((int64_t)3600 * 1000)
#define TEXTS_MOST 1000000
#define USERS_MOST 100000
#define FIRST_COUNTER_COLUMN 6

/* What stands in the columns from FIRST_COUNTER_COLUMN on; times are in ms there. A zero comes as NULL: most
 * are, and a value that is not sent costs the target nothing. */
static const struct {
    SampleCounter counter;
    bool is_time;
} counter_columns[] = {
    {SAMPLE_CALLS, false},          {SAMPLE_ROWS, false},           {SAMPLE_EXEC_US, true},
    {SAMPLE_PLAN_US, true},         {SAMPLE_SHARED_HIT, false},     {SAMPLE_SHARED_READ, false},
    {SAMPLE_SHARED_DIRTIED, false}, {SAMPLE_SHARED_WRITTEN, false}, {SAMPLE_LOCAL_HIT, false},
    {SAMPLE_LOCAL_READ, false},     {SAMPLE_LOCAL_DIRTIED, false},  {SAMPLE_LOCAL_WRITTEN, false},
    {SAMPLE_TEMP_READ, false},      {SAMPLE_TEMP_WRITTEN, false},   {SAMPLE_READ_US, true},
    {SAMPLE_WRITE_US, true},        {SAMPLE_WAL_RECORDS, false},    {SAMPLE_WAL_FULL_PAGES, false},
    {SAMPLE_WAL_BYTES, false},
};

static void
session_prepare_statements(PostgresSession *session)
{
    const PostgresFill fills[] = {
        {"schema", session->statements_schema},
        {"toplevel", postgres_choose(session, "pg_stat_statements.toplevel", "toplevel", "true")},
        {"since", postgres_choose(session, "pg_stat_statements.stats_since",
                                  "date_part('epoch', stats_since)", "null::float8")},
        {"read_time", postgres_choose(session, "pg_stat_statements.shared_blk_read_time",
                                      "shared_blk_read_time + local_blk_read_time", "blk_read_time")},
        {"write_time", postgres_choose(session, "pg_stat_statements.shared_blk_write_time",
                                       "shared_blk_write_time + local_blk_write_time", "blk_write_time")},
        {NULL, NULL}};
    session->statements_text = postgres_query_text(session, session->arena, "statements", fills);
    const PostgresFill whole[] = {{"statements", session->statements_text}, {NULL, NULL}};
    session->busiest_text = postgres_query_text(session, session->arena, "statements_busiest", whole);
}

static int64_t
counter_of(const PgResult *result, int64_t row, int column, bool is_time)
{
    if (!is_time)
        return pg_result_int(result, row, column, 0);
    double us = pg_result_double(result, row, column, 0) * US_PER_MS;
    return isfinite(us) && fabs(us) < 9e18 ? llrint(us) : 0;
}

static StatementCounters
statement_of(const PgResult *result, int64_t row)
{
    StatementCounters entry = {.key = {.user_oid = (uint32_t)pg_result_int(result, row, 0, 0),
                                       .database_oid = (uint32_t)pg_result_int(result, row, 1, 0),
                                       .queryid = pg_result_int(result, row, 2, 0),
                                       .is_toplevel = pg_result_bool(result, row, 3)},
                               .since = pg_result_double(result, row, 4, 0),
                               .exec_stddev_us = pg_result_double(result, row, 5, 0) * US_PER_MS};
    for (size_t i = 0; i < FETTLE_COUNT_OF(counter_columns); i++)
        entry.counters[counter_columns[i].counter] =
            counter_of(result, row, FIRST_COUNTER_COLUMN + (int)i, counter_columns[i].is_time);
    return entry;
}

bool
postgres_statements_read(SourceSession *base, Arena *arena, size_t most, SourceStatements *ret_statements,
                         Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    *ret_statements = (SourceStatements){0};
    if (!session->server.has_statements)
        return true;
    if (session->statements_text == NULL)
        session_prepare_statements(session);
    /* Sorting costs the target something, so only where there can be too many. */
    bool may_be_more = session->statements_most <= 0 || session->statements_most > (int64_t)most;
    const char *parameters[] = {session->databases, arena_printf(arena, "%zu", most)};
    PostgresQuestion question = {.text = may_be_more ? session->busiest_text : session->statements_text,
                                 .is_repeated = true,
                                 .parameters = parameters,
                                 .parameter_count = may_be_more ? 2 : 1,
                                 .rows_most = (int64_t)most * 2};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read pg_stat_statements");
    int64_t rows = pg_result_rows(result);
    ret_statements->items = ARENA_NEW_ARRAY(arena, StatementCounters, (size_t)rows);
    for (int64_t row = 0; row < rows; row++) {
        StatementCounters entry = statement_of(result, row);
        if (entry.key.queryid != 0)
            ret_statements->items[ret_statements->count++] = entry;
    }
    ret_statements->is_cut = may_be_more && rows >= (int64_t)most;
    return true;
}

/*
 * How many bytes of texts the server holds: reading one loads them all there. The file's size is for nothing,
 * but few may ask for it; else they are added up, once an hour.
 */
static bool
texts_are_too_many(PostgresSession *session, Arena *arena, int64_t bytes_most, bool *ret_answer, Error *error)
{
    *ret_answer = clock_monotonic_us() < session->texts_refused_until_us;
    bool is_known = !session->may_stat_files && clock_monotonic_us() < session->texts_measured_until_us;
    if (*ret_answer || is_known)
        return true;
    const PostgresFill fills[] = {{"schema", session->statements_schema}, {NULL, NULL}};
    const char *name = session->may_stat_files ? "texts_file" : "texts_size";
    PostgresQuestion question = {.text = postgres_query_text(session, arena, name, fills), .rows_most = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error reason = {0};
    if (!postgres_ask_optional(session, &question, &result, &reason, error))
        return false;
    int64_t until_us = clock_monotonic_us() + TEXTS_WEIGHED_MS * 1000;
    session->texts_measured_until_us = until_us;
    *ret_answer =
        result == NULL || pg_result_rows(result) != 1 || pg_result_int(result, 0, 0, 0) > bytes_most;
    if (*ret_answer)
        session->texts_refused_until_us = until_us;
    return true;
}

static const char *
ids_literal(Arena *arena, const int64_t *ids, size_t count)
{
    Text text = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&text, "%c%" PRId64, i == 0 ? '{' : ',', ids[i]);
    text_append(&text, count == 0 ? "{}" : "}");
    return text.data;
}

bool
postgres_texts_read(SourceSession *base, Arena *arena, const int64_t *queryids, size_t count,
                    int64_t bytes_most, SourceTexts *ret_texts, Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    *ret_texts = (SourceTexts){0};
    if (!session->server.has_statements || count == 0)
        return true;
    bool are_too_many;
    if (!texts_are_too_many(session, arena, bytes_most, &are_too_many, error))
        return false;
    if (are_too_many) {
        ret_texts->gap = "the target holds more of them than collect.texts_bytes allows";
        return true;
    }
    const PostgresFill fills[] = {{"schema", session->statements_schema}, {NULL, NULL}};
    const char *ids = ids_literal(arena, queryids, count);
    PostgresQuestion question = {.text = postgres_query_text(session, arena, "texts", fills),
                                 .parameters = &ids,
                                 .parameter_count = 1,
                                 .rows_most = TEXTS_MOST,
                                 .bytes_most = bytes_most + (int64_t)count * 100};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error reason = {0};
    if (!postgres_ask_optional(session, &question, &result, &reason, error))
        return false;
    /* One text in another encoding than it claims makes the server refuse all of them. */
    if (result == NULL) {
        ret_texts->gap = arena_strdup(arena, reason.message);
        return true;
    }
    ret_texts->count = (size_t)pg_result_rows(result);
    ret_texts->items = ARENA_NEW_ARRAY(arena, SourceText, ret_texts->count);
    for (size_t i = 0; i < ret_texts->count; i++)
        ret_texts->items[i] =
            (SourceText){.database_oid = (uint32_t)pg_result_int(result, (int64_t)i, 0, 0),
                         .queryid = pg_result_int(result, (int64_t)i, 1, 0),
                         .text = postgres_text(arena, result, (int64_t)i, 2, STATEMENT_TEXT_BYTES_MOST)};
    return true;
}

bool
postgres_users_read(SourceSession *base, Arena *arena, SourceUsers *ret_users, Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    PostgresQuestion question = {.text = postgres_query_text(session, arena, "users", NULL),
                                 .rows_most = USERS_MOST};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read the target's roles");
    ret_users->count = (size_t)pg_result_rows(result);
    ret_users->items = ARENA_NEW_ARRAY(arena, SourceUser, ret_users->count);
    for (size_t i = 0; i < ret_users->count; i++)
        ret_users->items[i] = (SourceUser){.oid = (uint32_t)pg_result_int(result, (int64_t)i, 0, 0),
                                           .name = postgres_text(arena, result, (int64_t)i, 1, 63)};
    return true;
}
