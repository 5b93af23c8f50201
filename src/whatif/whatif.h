// SPDX-License-Identifier: PostgreSQL
/*
 * WhatIf: what would this statement cost under these changes?
 *
 * An interface with two implementations: the planner twin (whatif_over_twin) and, where no local server of a
 * near major exists, HypoPG on the target (an option of later work). Changes are tried in a transaction and
 * rolled back, so nothing remains.
 *
 * Costs are the planner's own, in its cost units. Each (statement text, samples, relevant changes) is asked
 * once: answers are cached for the life of the WhatIf; a change is relevant to a statement when it touches a
 * relation that the statement's plan can use (or is global, as a setting is).
 *
 * Parameterised statements ($n) are costed by their generic plan (EXPLAIN (GENERIC_PLAN) on 16 and later,
 * before it a prepared statement with plan_cache_mode = force_generic_plan and run-time pruning off) or,
 * where sample texts are known, by each of them: cost is then the mean over the samples.
 *
 * Asking many questions under one set of changes is the cheap way: whatif_begin(), then whatif_cost() for
 * each statement, then whatif_end(). Where several questions are known to come, each under a set of its own,
 * whatif_expect() has them answered by several sessions at once. A WhatIf belongs to one thread at a time.
 */
#ifndef FETTLE_WHATIF_WHATIF_H
#define FETTLE_WHATIF_WHATIF_H

#include "pg/plan.h"
#include "sql/analysis.h"
#include "whatif/twin.h"

typedef enum WhatIfChangeKind {
    WHATIF_CREATE_INDEX, /* statement: CREATE [UNIQUE] INDEX ... on qualified names, without CONCURRENTLY */
    WHATIF_DROP_INDEX,   /* relation_id: the index's target OID */
    WHATIF_SETTING,      /* name, value */
    WHATIF_DDL, /* any other statement the twin can roll back: DROP CONSTRAINT, CREATE STATISTICS ...;
                   relation_id 0: all */
} WhatIfChangeKind;

typedef struct WhatIfChange {
    WhatIfChangeKind kind;
    uint32_t relation_id; /* table it touches (target OID); for WHATIF_DROP_INDEX the index */
    const char *statement;
    const char *name;
    const char *value;
} WhatIfChange;

/* What the twin said of a change when it was made. */
typedef struct WhatIfChangeResult {
    bool is_applied; /* false: the server refused it; see reason */
    const char *reason;
    const char *index_name; /* of a created index, as plans show it */
    double size_bytes;      /* estimate, all partitions together; NAN unless an index was created */
} WhatIfChangeResult;

typedef struct WhatIfAnswer {
    bool is_known;       /* false: the statement could not be costed; see reason */
    const char *reason;  /* the server's words, cleaned */
    double cost;         /* mean over samples where known, else the generic plan's; root total cost */
    double generic_cost; /* the same when it comes from the generic plan, else NAN */
    double least_cost;   /* what fewer indexes could cost at the least (twin_module/least_cost.c); cost or
                          * less, 0 where nothing is known of it */
    bool is_narrowing_known;
    TextList narrowing; /* where that is less: as long as none of these goes, fewer indexes cost no less than
                         * `cost`; named as used_indexes are */
    TextList least_indexes; /* where that is less: those that the plan of that cost uses; empty: not known */
    PgPlan
        *plan; /* of the first sample, else the generic one; NULL unless asked for with plans; the asker's */
    TextList used_indexes; /* names of indexes that the plans use; a partition's part of a what-if index
                            * counts under the name that its change gave */
    bool is_generic;       /* cost comes from the generic plan */
    uint32_t sample_mask;  /* samples that the cost is the mean of, a bit each in their order; 0: of none */
} WhatIfAnswer;

typedef struct WhatIfStatistics {
    int64_t questions; /* whatif_cost() calls */
    int64_t explains;  /* that reached the planner */
    int64_t cache_hits;
    int64_t index_creations;
    int64_t index_scripts; /* that made several of them at once */
    double server_ms;
} WhatIfStatistics;

/* A statement prepared for questions; made once per template. */
typedef struct WhatIfStatement {
    const char *text;           /* with $n or literals */
    const char *const *samples; /* the same with literals; may be NULL */
    size_t sample_count;
    const char *rewritten; /* NULL, or another text to cost in its place */
    const uint32_t
        *relation_ids; /* base tables it reads or writes (target OIDs, from SqlAnalysis); for relevance */
    size_t relation_count;
} WhatIfStatement;

typedef struct WhatIf WhatIf;

bool whatif_over_twin(Arena *arena, Twin *twin, WhatIf **ret_whatif, Error *error) FETTLE_MUST_USE;
void whatif_close(WhatIf *whatif); /* NULL is allowed */
void whatif_close_at(WhatIf **whatif);

/* Makes the changes (each in its own savepoint: a refused one does not spoil the others). ret_results:
 * change_count entries. A second begin without end replaces the first by the difference: changes in both
 * stay, so neighbours in a search are cheap. */
bool whatif_begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t change_count,
                  WhatIfChangeResult **ret_results, Error *error) FETTLE_MUST_USE;
bool whatif_end(WhatIf *whatif, Error *error) FETTLE_MUST_USE;

/* The cost under the changes of whatif_begin() (none: as the target is). A statement that cannot be planned
 * is an answer with is_known false; an error means the twin itself failed. */
bool whatif_cost(WhatIf *whatif, Arena *arena, const WhatIfStatement *statement, bool with_plan,
                 WhatIfAnswer *ret_answer, Error *error) FETTLE_MUST_USE;

/* A question to come: under changes, each of them the creation of an index that has a name. */
typedef struct WhatIfQuestion {
    const WhatIfChange *changes;
    size_t change_count;
    const WhatIfStatement *statement; /* NULL: only the results of the changes */
    bool with_plan;
} WhatIfQuestion;

/*
 * Asks them on up to four sessions at once, so that the whatif_begin() and whatif_cost() that come next find
 * what they want known. It promises nothing: what could not be answered is asked when it comes. Plans live in
 * the arena. What whatif_begin() had begun is over.
 */
void whatif_expect(WhatIf *whatif, Arena *arena, const WhatIfQuestion *questions, size_t count);

#define WHATIF_SESSIONS_MOST 4
/* Before the first whatif_expect(). 0: one for each processor. */
void whatif_set_sessions(WhatIf *whatif, int sessions);

/* What a question about it takes, about: what counts is the ratio of two. Each table doubles the orders in
 * which the planner joins. */
static inline double
whatif_question_us(const WhatIfStatement *statement)
{
    size_t tables = statement->relation_count < 12 ? statement->relation_count : 12;
    return 300 + 32.0 * (double)((size_t)1 << tables);
}

WhatIfStatistics whatif_statistics(const WhatIf *whatif);

#endif
