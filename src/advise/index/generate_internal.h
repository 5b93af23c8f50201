// SPDX-License-Identifier: PostgreSQL
/*
 * Candidate generation, from inside: what the files generate_*.c share. One file for each family of indexes.
 *
 * A Generation walks the workload, heaviest statement first, so that when a limit is met it is the lightest
 * statements' ideas that are left out. For each occurrence of a table (a use) the families offer their ideas
 * with generation_add(), which drops what exists already and makes equal ideas one candidate. Within a
 * statement plain B-trees of all tables come first, covering ones last, so the limit cuts those.
 */
#ifndef FETTLE_ADVISE_INDEX_GENERATE_INTERNAL_H
#define FETTLE_ADVISE_INDEX_GENERATE_INTERNAL_H

#include "advise/index/candidate.h"

#define USE_KEYS_MOST 16

VECTOR_DEFINE(CandidateList, Candidate *);

typedef struct Generation {
    Arena *arena;
    const AdvisorContext *context;
    Advice *advice;
    CandidateList candidates;
    Map *by_signature;
    Map *
        column_weight; /* relation and attnum -> double *: weight of statements that compare it by equality */
    Map *sought_first; /* relation and attnum: columns that a statement wants the first of among what it
                          selects */
    Map *visible_share; /* relation -> double *: of its pages, those all-visible */
    SqlCatalog catalog; /* made when first needed */
    Map *rejected;      /* subjects already rejected */
    size_t *numbers;    /* of the statement at hand */
    size_t number_count;
    double statement_share; /* of the statement at hand in the workload, 0..1 */
} Generation;

/* A column whose values each stand in so many rows that an index on it alone is not worth asking about. */
typedef struct UsePoorKey {
    CandidateKey key;
    double share; /* of the rows, that a value leaves */
    bool is_null_test;
    bool is_list;
} UsePoorKey;

/* What one occurrence of a table offers, by role. */
typedef struct UseKeys {
    const WorkloadStatement *statement;
    const SnapshotRelation *relation;
    int use;
    CandidateKey equal[USE_KEYS_MOST];
    size_t equal_count;
    CandidateKey range[USE_KEYS_MOST];
    size_t range_count;
    CandidateKey join[USE_KEYS_MOST];
    size_t join_count;
    CandidateKey alone[USE_KEYS_MOST]; /* members of an OR */
    size_t alone_count;
    UsePoorKey poor[USE_KEYS_MOST]; /* of equal, those that are no key on their own */
    size_t poor_count;
} UseKeys;

/* The candidate equal to idea, made when it is new; NULL when an index does it already or at the limit. */
Candidate *generation_intern(Generation *generation, const Candidate *idea);
/* The same, and notes it as relevant to the statement at hand. */
void generation_add(Generation *generation, const Candidate *idea);
/* An index that exists does all that idea would. */
bool generation_has_index(const Candidate *idea);
void generation_reject(Generation *generation, const char *subject, const char *reason);

/* "lower(email) on public.users" and the like, for generation_reject(). */
const char *generation_subject(const Generation *generation, const SnapshotRelation *relation,
                               const char *idea);

/* Adds idea with first and second as keys: repeated ones dropped, cut to the most. */
void generation_add_keys(Generation *generation, const Candidate *idea, const CandidateKey *first,
                         size_t first_count, const CandidateKey *second, size_t second_count);

/* What the workload's statements compare by equality, for the order of keys. */
void generation_weigh_columns(Generation *generation);
/* Columns by which a statement orders what it selects otherwise, to stop at the first rows (min() and max()
 * too). A B-tree that begins with one tempts the planner to read it from its end until something matches. */
void generation_note_sought_first(Generation *generation);
bool column_is_sought_first(const Generation *generation, const SnapshotRelation *relation, int attnum);
/* Fills the keys from the statement's predicates; relation and use are set. */
void use_keys_read(Generation *generation, const SqlAnalysis *analysis, UseKeys *keys);
bool predicate_is_equality(const SqlPredicate *predicate);
bool predicate_is_range(const SqlPredicate *predicate);
/* An immutable expression without parameters in it. */
bool predicate_expression_is_indexable(const SqlPredicate *predicate);
/* False for a column that is no key on its own. */
bool key_stands_alone(const UseKeys *keys, const CandidateKey *key);
/* The key that serves a predicate; false when no B-tree can. */
bool key_of_predicate(const Generation *generation, const SnapshotRelation *relation,
                      const SqlPredicate *predicate, CandidateKey *ret_key);
/* The leading sort keys that belong to the use; 0 when the sort does not begin with any. */
size_t sort_keys_of_use(const Generation *generation, const SqlSort *sort, const UseKeys *keys,
                        CandidateKey *ret_keys);
/* Columns of these names, ascending. */
CandidateColumns columns_named(const Generation *generation, const SnapshotRelation *relation,
                               const TextList *names);

/* The snapshot's catalog, for texts that are analysed here. */
const SqlCatalog *generation_catalog(Generation *generation);

/* What the statement's plan shows and its text does not; NULL: nothing. */
const SqlAnalysis *plan_analyze(Generation *generation, const WorkloadStatement *statement);

/* The families; each reads the statement's analysis and offers its ideas. idea: a template with relation (and
 * predicate) set. */
void generate_btree(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys,
                    const Candidate *idea);
void generate_covering(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys);
/* Covering candidates of the same keys with each other's INCLUDE columns: one index for several statements.
 * At most 128. */
void generation_merge(Generation *generation);
void generate_methods(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys);
void generate_partial(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys);

#endif
