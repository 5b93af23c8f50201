// SPDX-License-Identifier: PostgreSQL
/*
 * Index hygiene: which of the indexes that exist are no longer worth their keep, and how sure that is.
 *
 * A pure function of snapshots and history. A finding names a class; whether it is also a proposal to act is
 * a second, stricter question, since a wrong removal hurts and a late one does not:
 *
 *  - unused: no scan on the primary and on every replica that is known. Proposed only when it was watched
 *    without a gap for the whole observation time (35 days: a monthly job has shown itself by then). Counters
 *    alone do not suffice: they know neither the index's age nor what came before a reset.
 *  - rarely used: scanned, but seldom and as a small share of its table's scans. Never proposed.
 *  - duplicate, prefix: another valid index does all that it does: same method, keys with operator class,
 *    collation and direction, predicate, and options that make it finer or coarser; its INCLUDE columns and
 * its uniqueness too, which a deferrable constraint does not stand for. Needs no history.
 *  - invalid: left behind by a failed build.
 *  - bloated, oversized: REINDEX is proposed for the former, the latter is only named.
 *
 * Never found at all: what backs a constraint or a foreign key, replica identity, the only index that finds
 * rows for a foreign key of its table, what an extension owns, parts of partitioned indexes. Unique and
 * exclusion indexes are no candidates for "unused": they work without being scanned.
 *
 * No finding relies on another one that is proposed for removal: of two equal indexes one stays.
 */
#ifndef FETTLE_ADVISE_INDEX_HYGIENE_H
#define FETTLE_ADVISE_INDEX_HYGIENE_H

#include "snapshot/snapshot.h"

typedef enum HygieneClass {
    HYGIENE_UNUSED,
    HYGIENE_RARELY_USED,
    HYGIENE_DUPLICATE,
    HYGIENE_PREFIX,
    HYGIENE_INVALID,
    HYGIENE_BLOATED,
    HYGIENE_OVERSIZED,
} HygieneClass;

/* What history says of one index of a server; indexes of a physical replica have the primary's oids. */
typedef struct HygieneUse {
    uint32_t index_id;
    int64_t observed_from_us; /* without a gap until now */
    int64_t last_used_at_us;  /* 0: not in that time */
    double bloat_bytes;       /* NAN not known */
    bool bloat_is_measured;
} HygieneUse;

typedef struct HygieneServer {
    const char *name;
    const Snapshot *snapshot; /* NULL: a known replica that was not read */
    const char *failure;      /* why; NULL: it was */
    const HygieneUse *uses;   /* by index_id */
    size_t use_count;
    int64_t statistics_reset_at_us; /* of the database's counters; 0: never, or not known */
} HygieneServer;

typedef struct HygieneInput {
    HygieneServer primary;
    const HygieneServer *replicas;
    size_t replica_count;
    int64_t now_us;
    int64_t observation_us; /* watched so long without a scan: proposed */
    int64_t rare_scans;     /* fewer are rare */
    double rare_ratio;      /* of the table's scans; fewer are rare */
} HygieneInput;

typedef struct HygieneFinding {
    const SnapshotRelation *relation;
    const SnapshotIndex *index;
    HygieneClass class;
    bool is_proposed;                  /* to be dropped, or to be rebuilt when it is bloated */
    int64_t scans;                     /* on all servers together */
    int64_t last_used_at_us;           /* 0: not known */
    const SnapshotIndex *in_its_place; /* of duplicates; else NULL */
    double waste_bytes;                /* that goes with it; NAN not known */
    double confidence;                 /* 0..1 */
    const char *reason;                /* a sentence for people, who would miss it included */
    const char *act_sql;  /* DROP INDEX or REINDEX, CONCURRENTLY; NULL: there is nothing to run */
    const char *undo_sql; /* makes it again; NULL when act_sql rebuilds */
} HygieneFinding;

VECTOR_DEFINE(HygieneFindings, HygieneFinding);

/* unused, rarely_used, duplicate, prefix, invalid, bloated, oversized */
const char *hygiene_class_word(HygieneClass class);

/* Why an index may never be dropped, as a phrase ("backs constraint orders_pkey"); NULL: it may. */
const char *hygiene_protection(Arena *arena, const Snapshot *snapshot, const SnapshotRelation *relation,
                               const SnapshotIndex *index);

/* True when kept does all that index does, for reads and for uniqueness. *ret_is_prefix: it has more keys. */
bool hygiene_covers(const SnapshotIndex *kept, const SnapshotIndex *index, bool *ret_is_prefix);

/* At most one finding for an index, the gravest class; the greatest waste first. */
HygieneFindings hygiene_review(Arena *arena, const HygieneInput *input);

#endif
