// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the WhatIf share: whatif.c (questions and their answers), whatif_changes.c (the changes
 * that stand in its transaction), whatif_lanes.c (further sessions, for several questions at once).
 *
 * What is wanted and what stands are two things: whatif_begin() of changes whose results are known says what
 * is wanted, and they are made when a question comes whose answer is not known.
 */
#ifndef FETTLE_WHATIF_WHATIF_INTERNAL_H
#define FETTLE_WHATIF_WHATIF_INTERNAL_H

#include "base/hash.h"
#include "whatif/explain.h"
#include "whatif/sparse_index.h"
#include "whatif/whatif.h"

/* A change and what the twin said when it was made last; all in the WhatIf's arena. */
typedef struct KnownChange {
    WhatIfChange change;
    uint64_t key;
    const char *made_name; /* of a created index, on this session; NULL: nobody named it */
    WhatIfChangeResult result;
} KnownChange;

VECTOR_DEFINE(KnownChangeList, KnownChange *);

/* A change that stands in the open transaction. */
typedef struct StandingChange {
    KnownChange *known;
    bool is_hidden; /* made, and not wanted now */
} StandingChange;

VECTOR_DEFINE(StandingChangeList, StandingChange);

typedef struct CachedAnswer {
    WhatIfAnswer answer;
    bool has_plan;
} CachedAnswer;

typedef struct WhatIfLanes WhatIfLanes;

struct WhatIf {
    Arena *arena;
    Twin *twin;
    PgConnection *connection;
    Explainer explainer;
    SparseIndexes sparse; /* when the twin is on a stock server */
    bool is_sparse;
    const char *name_prefix; /* of what it makes, so that it waits for no other session's names */
    StandingChangeList standing;
    KnownChangeList wanted;
    bool is_settled;      /* what is wanted stands, and nothing else that the planner sees */
    bool is_mixed;        /* not indexes alone are wanted */
    Map *known;           /* key -> KnownChange: indexes that could be created beside nothing but indexes */
    Map *cache;           /* question key -> CachedAnswer */
    Map *sizes;           /* CREATE INDEX text -> double: its size, estimated once */
    Map *given_names;     /* index as plans show it -> name its change gave, where they differ */
    int64_t creations;    /* in the open transaction */
    uint64_t hidden_hash; /* of what its planner does not see; 0: nothing is hidden */
    double gather_cost;   /* parallel_setup_cost: what any plan with workers costs at the least */
    bool is_open;         /* a transaction is open */
    bool is_shared;       /* other sessions make indexes on the same tables */
    int sessions_wanted;  /* at once; 0: one for each processor */
    WhatIfLanes *lanes;   /* NULL until several questions came at once */
    WhatIfStatistics statistics;
};

static inline uint64_t
whatif_text_key(const char *text)
{
    return text == NULL ? 0 : hash_text(text);
}

bool whatif_session_open(Arena *arena, Twin *twin, const char *name_prefix, WhatIf **ret_whatif, Error *error)
    FETTLE_MUST_USE;

/* The session is in no transaction after it. */
bool whatif_rollback(WhatIf *whatif, Error *error) FETTLE_MUST_USE;
/* Makes what is wanted. */
bool whatif_settle(WhatIf *whatif, Error *error) FETTLE_MUST_USE;

/* whatif_cost() without counting it as one. */
bool whatif_answer(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
                   WhatIfAnswer *ret_answer, Error *error) FETTLE_MUST_USE;

uint64_t whatif_change_key(const WhatIfChange *change);
bool whatif_change_is_relevant(const WhatIf *whatif, const KnownChange *known,
                               const WhatIfStatement *statement);
/* Creations of named indexes and nothing else: among themselves they come out the same each time. */
bool whatif_are_indexes(const WhatIfChange *changes, size_t count);
/* Adds the change unless the list, whose keys seen holds, has it. */
void whatif_changes_add(Arena *arena, Map *seen, KnownChangeList *list, KnownChange *known);
/* NULL: not known. */
KnownChange *whatif_known_change(const WhatIf *whatif, const WhatIfChange *change);
/* Keeps what another session was told of the change. */
KnownChange *whatif_learn_change(WhatIf *whatif, const WhatIfChange *change,
                                 const WhatIfChangeResult *result);

/* Of the statement's question under the changes, each of them once; their order does not matter. */
uint64_t whatif_question_key(const WhatIf *whatif, const KnownChangeList *changes,
                             const WhatIfStatement *statement);
bool whatif_is_cached(const WhatIf *whatif, uint64_t key, bool with_plan);
/* The answer as it is kept; its plan, when it is kept with one, is the asker's. */
const WhatIfAnswer *whatif_cache_put(WhatIf *whatif, uint64_t key, const WhatIfAnswer *answer,
                                     bool with_plan);

void whatif_lanes_close(WhatIfLanes *lanes); /* NULL is allowed */
/* Further sessions give up what they made and the locks that came with it; NULL is allowed. */
void whatif_lanes_rest(WhatIfLanes *lanes);
void whatif_lanes_count(const WhatIfLanes *lanes, WhatIfStatistics *statistics);

#endif
