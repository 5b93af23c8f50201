// SPDX-License-Identifier: PostgreSQL
/*
 * Index candidates: the indexes worth asking the planner about.
 *
 * A candidate is a key list on one table. Per statement and occurrence of a table, the keys are: columns
 * compared by equality (ordered so that the columns most of the workload uses come first, then the more
 * selective, so that statements share prefixes), then one range column or the columns of ORDER BY or GROUP
 * BY; join columns alone, before and after the equality columns; members of an OR each alone. Equal
 * candidates of several statements are one candidate. What an existing valid index already begins with is not
 * proposed again.
 *
 * Candidates are numbered from 0; sets of them are Bits (index/bits.h).
 */
#ifndef FETTLE_ADVISE_INDEX_CANDIDATE_H
#define FETTLE_ADVISE_INDEX_CANDIDATE_H

#include "advise/advisor.h"

#define CANDIDATE_KEYS_MOST 4
#define CANDIDATES_MOST 4096
#define CANDIDATES_PER_STATEMENT_MOST 64

typedef struct CandidateKey {
    int attnum;                 /* 0: an expression */
    const char *expression;     /* canonical SQL; NULL for a column */
    const char *operator_class; /* NULL: the type's default */
    bool is_descending;
    bool is_nulls_first;
} CandidateKey;

typedef struct Candidate {
    size_t number;
    const SnapshotRelation *relation;
    CandidateKey keys[CANDIDATE_KEYS_MOST];
    size_t key_count;
    const char *key_text;    /* "customer_id, created_at DESC" */
    const char *whatif_name; /* of the index on the twin, unique */
    const char *whatif_statement;
    double size_bytes; /* by the twin; NAN until it was made once */
    double write_cost; /* objective units; filled by the search */
    bool is_refused;   /* the server would not make it; reason says why */
    const char *reason;
} Candidate;

typedef struct CandidateSet {
    Candidate **items;
    size_t count;
    /* For each workload statement (by position): its relevant candidates, best ideas first. */
    struct CandidateNumbers {
        size_t *numbers;
        size_t count;
    } * relevant;
} CandidateSet;

/* Appends rejections for tables and columns that were not turned into candidates for a telling reason. */
const CandidateSet *candidates_generate(Arena *arena, const AdvisorContext *context, Advice *advice);

/* "CREATE INDEX name ON ..." with the candidate's keys; concurrently as named. */
char *candidate_create_statement(Arena *arena, const Candidate *candidate, const char *name,
                                 bool concurrently);

/* The key list as it stands between the parentheses: "customer_id, created_at DESC". */
char *candidate_key_text(Arena *arena, const Candidate *candidate);

/* True when index serves everything that keys would (same leading keys, directions up to a whole reversal).
 */
bool candidate_is_covered_by(const Candidate *candidate, const SnapshotIndex *index);

/* True when a's keys are the leading keys of b. */
bool candidate_is_prefix(const Candidate *a, const Candidate *b);

#endif
