// SPDX-License-Identifier: PostgreSQL
/*
 * Query texts embedded from .sql files: which text serves which server major.
 *
 * scripts/embed-sql makes a table per folder, ended by a row with name NULL.
 */
#ifndef FETTLE_PG_QUERY_TEXT_H
#define FETTLE_PG_QUERY_TEXT_H

typedef struct PgQueryText {
    const char *name;
    int version_low;  /* first server major it serves */
    int version_high; /* last one; 999 for all later */
    const char *text;
} PgQueryText;

/* The text of a name for a server major; NULL when that server has none. */
const char *pg_query_text(const PgQueryText *table, const char *name, int server_major);

#endif
