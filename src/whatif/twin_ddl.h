// SPDX-License-Identifier: PostgreSQL
/*
 * The DDL that makes a twin's schema from a snapshot, as an ordered list of single statements.
 *
 * Order: phases first, inside a phase the target's OID order, since the planner breaks ties between indexes
 * and walks partitions by OID. A statement that fails because it needs a later one is tried again by
 * twin_build.c until no more succeed.
 *
 * Partitions and inheritance children are made as tables of their own and attached afterwards, indexes of
 * partitioned tables ON ONLY, as pg_dump does: that keeps each table's own column order and each index's own
 * name.
 */
#ifndef FETTLE_WHATIF_TWIN_DDL_H
#define FETTLE_WHATIF_TWIN_DDL_H

#include "base/list.h"
#include "snapshot/snapshot.h"

typedef enum TwinPhase {
    TWIN_PHASE_SCHEMAS,
    TWIN_PHASE_EXTENSIONS, /* as superuser; only extensions that are known to be safe */
    TWIN_PHASE_OBJECTS,    /* types, functions, sequences, tables, views */
    TWIN_PHASE_COLUMNS,    /* dropped-column gaps, defaults, per-column options */
    TWIN_PHASE_CHECKS,     /* before attachment: children must have their parents' */
    TWIN_PHASE_ATTACH,
    TWIN_PHASE_INDEXES, /* with primary keys, unique and exclusion constraints */
    TWIN_PHASE_INDEX_ATTACH,
    TWIN_PHASE_FOREIGN_KEYS,
    TWIN_PHASE_STATISTICS,
    TWIN_PHASE_SECURITY, /* row security and policies */
} TwinPhase;

typedef struct TwinStatement {
    TwinPhase phase;
    uint32_t id;        /* target OID, for order */
    const char *object; /* for people: "table public.orders" */
    const char *text;
    bool is_optional; /* planning does not depend on it: its failure is no loss worth telling */
} TwinStatement;

VECTOR_DEFINE(TwinStatementList, TwinStatement);

/* What cannot be made at all (untrusted language, foreign table's server) goes to losses. */
typedef struct TwinDdl {
    TwinStatementList statements; /* in order of execution */
    TextList lost_objects;
    TextList lost_reasons;
} TwinDdl;

TwinDdl twin_ddl(Arena *arena, const Snapshot *snapshot);

/* True for extensions that a twin may create: contrib and well-known ones without access to files or network.
 */
bool twin_extension_is_allowed(const char *name);

#endif
