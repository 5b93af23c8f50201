// SPDX-License-Identifier: PostgreSQL
/*
 * What changes have touched in a database within a time: the tables whose indexes were created, dropped or
 * replaced, undone ones and those that a person made by hand too, and the queries that were changed without
 * an index (a rewrite). Who compares a query with others, so as to see what moves all of them, must not
 * compare it with these: they moved for a reason of their own.
 *
 * A build counts from when its statement was sent first, also when it failed or was cancelled: it was a load
 * on its table. What was cancelled before that does not. A query is named for an index, too, where Fettle did
 * not make it and its recommendation is gone.
 *
 *     ChangesTouched touched;
 *     if (!changes_touched_read(session, arena, &within, &touched, error)) return false;
 */
#ifndef FETTLE_STORE_CHANGES_TOUCHED_H
#define FETTLE_STORE_CHANGES_TOUCHED_H

#include "pg/connection.h"

#define CHANGES_TOUCHED_MOST 10000

typedef struct ChangesWithin {
    int64_t target_id;
    const char *database_name;
    int64_t from_us;
    int64_t to_us;
} ChangesWithin;

typedef struct TouchedThing {
    const char *schema_name; /* NULL: a query */
    const char *table_name;
    int64_t query_hash; /* 0: a table */
} TouchedThing;

typedef struct ChangesTouched {
    TouchedThing *items;
    size_t count;
} ChangesTouched;

/* ERROR_INPUT where there are more than CHANGES_TOUCHED_MOST. */
bool changes_touched_read(PgConnection *session, Arena *arena, const ChangesWithin *within,
                          ChangesTouched *ret_touched, Error *error) FETTLE_MUST_USE;

#endif
