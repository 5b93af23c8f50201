// SPDX-License-Identifier: PostgreSQL
/*
 * Index candidates: the indexes worth asking the planner about.
 *
 * A candidate is all that a CREATE INDEX says: table, access method, keys (column or expression, operator
 * class, direction), INCLUDE columns and predicate. generate.h makes them, one file for each family. Equal
 * candidates of several statements are one candidate. What an existing valid index already does is not
 * proposed again. A zeroed Candidate is a plain B-tree.
 *
 * Candidates are numbered from 0; sets of them are Bits (index/bits.h).
 */
#ifndef FETTLE_ADVISE_INDEX_CANDIDATE_H
#define FETTLE_ADVISE_INDEX_CANDIDATE_H

#include "advise/advisor.h"

#define CANDIDATE_KEYS_MOST 4
#define CANDIDATE_INCLUDED_MOST 12
#define CANDIDATES_MOST 4096
#define CANDIDATES_PER_STATEMENT_MOST 160

typedef enum CandidateMethod {
    CANDIDATE_BTREE, /* 0: what a zeroed Candidate is */
    CANDIDATE_HASH,
    CANDIDATE_GIN,
    CANDIDATE_GIST,
    CANDIDATE_SPGIST,
    CANDIDATE_BRIN,
} CandidateMethod;

/* Column numbers (attnums) of one table, ascending. */
typedef struct CandidateColumns {
    const int *items;
    size_t count;
} CandidateColumns;

typedef struct CandidateKey {
    int attnum;                 /* 0: an expression */
    const char *expression;     /* canonical SQL; NULL for a column */
    CandidateColumns reads;     /* columns that the expression reads; empty for a column */
    const char *operator_class; /* NULL: the type's default */
    bool is_descending;
    bool is_nulls_first;
} CandidateKey;

typedef struct Candidate {
    size_t number;
    const SnapshotRelation *relation;
    CandidateMethod method;
    CandidateKey keys[CANDIDATE_KEYS_MOST];
    size_t key_count;
    CandidateColumns included;   /* INCLUDE columns */
    const char *predicate;       /* canonical SQL; NULL: all rows */
    CandidateColumns restricted; /* columns that the predicate reads */
    double left_out;             /* part of the table's rows that the predicate leaves out, 0 to 1 */
    const char *options;         /* of WITH (...), or NULL */
    const char *key_text;        /* "customer_id, created_at DESC" */
    const char *text;            /* "btree (customer_id) INCLUDE (total) WHERE (deleted_at IS NULL)" */
    const char *caution;         /* what the planner's cost of it leaves out; NULL: nothing */
    const char *whatif_name;     /* of the index on the twin, unique */
    const char *whatif_statement;
    double size_bytes; /* by the twin; NAN until it was made, or the least it has when that is too much */
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
CandidateSet *candidates_generate(Arena *arena, const AdvisorContext *context, Advice *advice);

/* "btree", "gin" ... */
const char *candidate_method_word(CandidateMethod method);

/* "CREATE INDEX name ON ..." with all that the candidate says; concurrently as named. */
char *candidate_create_statement(Arena *arena, const Candidate *candidate, const char *name,
                                 bool concurrently);

/* The key list as it stands between the parentheses: "customer_id, created_at DESC". */
char *candidate_key_text(Arena *arena, const Candidate *candidate);

/* What stands after USING: "btree (customer_id) INCLUDE (total) WHERE (deleted_at IS NULL)". */
char *candidate_text(Arena *arena, const Candidate *candidate);

/* True when a holds column as a key, within an expression, in INCLUDE or in its predicate: an update of it
 * is not HOT then (BRIN apart). */
bool candidate_reads_column(const Candidate *candidate, int attnum);

bool candidate_columns_have(CandidateColumns columns, int attnum);

/*
 * True when index serves everything that the candidate would: the same method and predicate, the same
 * leading keys (of a B-tree directions up to a whole reversal; of GIN and BRIN any order), and the INCLUDE
 * columns among its columns.
 */
bool candidate_is_covered_by(const Candidate *candidate, const SnapshotIndex *index);

/* True when b does what a does and more: the same method and predicate, a's keys leading b's, and a's
 * INCLUDE columns among b's columns. */
bool candidate_is_prefix(const Candidate *a, const Candidate *b);

/* True when the candidate does for the statement what the other does: the same leading keys as far as the
 * statement asks of them, and all columns that it reads of the other. Of B-trees only; itself it is always.
 */
bool candidate_serves_as(const Candidate *candidate, const Candidate *other, const SqlAnalysis *analysis);

/* The same table, method and first key: B-trees give the planner the same order to read along. */
bool candidate_leads_alike(const Candidate *a, const Candidate *b);

#endif
