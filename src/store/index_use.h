// SPDX-License-Identifier: PostgreSQL
/*
 * Index use: what the collected rounds of a database say of when each of its indexes was last used.
 *
 * The target's counters alone cannot tell an index that nobody needs from one that was made yesterday, or
 * whose counters were reset last night. The rounds can: an index is observed since the first round that shows
 * it, and evidence begins anew where counters began anew with more than some hours unseen before.
 */
#ifndef FETTLE_STORE_INDEX_USE_H
#define FETTLE_STORE_INDEX_USE_H

#include "pg/connection.h"

typedef struct IndexUse {
    uint32_t index_oid;
    int64_t observed_from_us; /* without a gap since */
    int64_t observed_until_us;
    int64_t last_used_at_us; /* the round that first showed it, at most so late; 0: not in this time */
    int64_t scans;           /* seen in it */
    double bloat_bytes;      /* of the last round; NAN not known */
    bool bloat_is_measured;
} IndexUse;

typedef struct IndexUses {
    IndexUse *items; /* by oid */
    size_t count;
} IndexUses;

/* None when the database is not collected. */
bool index_uses_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                     int64_t from_us, IndexUses *ret_uses, Error *error) FETTLE_MUST_USE;

#endif
