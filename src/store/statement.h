// SPDX-License-Identifier: PostgreSQL
/*
 * Statements and databases of a target, by small numbers of our own.
 *
 * A statement is one entry of pg_stat_statements: (user, database, queryid, toplevel). Its statement_id
 * counts from 1 within the target and is never given again; it is given by the one collector of the target,
 * which keeps the map in memory and reads it back at start. query_hash = queryid & 0x7FFFFFFFFFFFFFFF
 * (contract, section 1); an entry whose hash is 0 is skipped.
 *
 * Rows inserted by hand (fettle.metrics_pg_stats_query) make databases and statements of their own with
 * numbers from STATEMENT_ID_BY_HAND on: a collector that continues after the greatest number must look below
 * it.
 */
#ifndef FETTLE_STORE_STATEMENT_H
#define FETTLE_STORE_STATEMENT_H

#include "pg/connection.h"

#define STATEMENT_TEXT_BYTES_MOST (1024 * 1024) /* a longer text is cut */
#define STATEMENT_ID_BY_HAND 0x40000000
/* What Fettle itself asks a target again and again begins so. */
#define STATEMENT_OWN_MARK "/* fettle */ "

typedef struct StatementRow {
    int32_t statement_id;
    int32_t database_id;
    const char *user_name; /* NULL: a dropped role */
    uint32_t user_oid;
    int64_t queryid;
    int64_t query_hash;
    bool is_toplevel;
    int64_t fingerprint_hash; /* 0: the text is not known yet or does not parse */
    const char *query_text;   /* NULL: not known yet */
} StatementRow;

typedef struct StatementRows {
    StatementRow *items;
    size_t count;
} StatementRows;

typedef struct DatabaseRow {
    int32_t database_id;
    uint32_t database_oid;
    const char *database_name;
} DatabaseRow;

typedef struct DatabaseRows {
    DatabaseRow *items;
    size_t count;
} DatabaseRows;

bool statement_rows_read(PgConnection *session, Arena *arena, int64_t target_id, bool with_texts,
                         StatementRows *ret_rows, Error *error) FETTLE_MUST_USE;
bool database_rows_read(PgConnection *session, Arena *arena, int64_t target_id, DatabaseRows *ret_rows,
                        Error *error) FETTLE_MUST_USE;
/* Of each hash, whether it is of a statement that Fettle itself asks; false too when its text is not known.
 */
bool statements_are_own(PgConnection *session, int64_t target_id, const int64_t *hashes, size_t count,
                        bool *ret_are_own, Error *error) FETTLE_MUST_USE;
/* Inserts what is new and sets what changed (texts, fingerprints, user names); also keeps
 * fettle.query_fingerprints. */
bool statement_rows_write(PgConnection *session, int64_t target_id, const StatementRow *rows, size_t count,
                          Error *error) FETTLE_MUST_USE;
bool database_rows_write(PgConnection *session, int64_t target_id, const DatabaseRow *rows, size_t count,
                         Error *error) FETTLE_MUST_USE;

#endif
