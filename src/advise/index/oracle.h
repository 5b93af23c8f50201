// SPDX-License-Identifier: PostgreSQL
/*
 * Oracle: the planner's cost of a statement under a set of candidate indexes, asked as seldom as possible.
 *
 * Only a statement's relevant candidates matter to it. Every answer (S, U, c), "with S present the plan uses
 * U and costs c", bounds others: the planner is monotone, so cost(S') ≥ c for S' ⊆ S, and cost(S') ≤ c for U
 * ⊆ S'. When some answer has U ⊆ S' ⊆ S the cost is known; when the bounds meet within ORACLE_TOLERANCE it is
 * known too (Papadomanolakis, Dash and Ailamaki 2007, "Efficient use of the query optimizer for automated
 * physical design"). Small violations of monotony exist (ties, GEQO): where one is seen, the answers with
 * more present bound no more than it, and the search verifies its final set by direct questions.
 *
 * The cost of a small set is asked from above: with everything present the plan uses some indexes that the
 * set lacks; those go, and so on until the plan uses only what the set has (oracle_descent_step()). Each
 * answer on the way is a lower bound for every set without what had gone by then, which is what the proof of
 * the search is made of (bound.h), and tells a plan that may serve another set.
 *
 * Owned by the arena it is made in; one thread at a time.
 */
#ifndef FETTLE_ADVISE_INDEX_ORACLE_H
#define FETTLE_ADVISE_INDEX_ORACLE_H

#include "advise/index/bits.h"
#include "advise/index/candidate.h"

#define ORACLE_TOLERANCE 1e-4
#define ORACLE_NO_PARENT SIZE_MAX

typedef struct Oracle Oracle;

typedef struct OracleBounds {
    double low;
    double high;
} OracleBounds;

typedef struct OracleAnswer {
    Bits set;  /* what was present */
    Bits used; /* what the plan used of it */
    double cost;
    double low;      /* the least cost seen with that or less present: bounds what is not yet asked */
    Bits narrowing;  /* of the set, where the planner could do better with fewer: with all of these present it
                      * cannot, but costs firm at the least; no words: not known */
    double firm;     /* no less than low */
    Bits informing;  /* of the set (informing.h), no words: none; with none of them present low bounds the
                        cost, */
    double informed; /* else this; no less than low */
    Bits least;      /* of the set, where low is less than the cost: what the plan of that uses; else empty */
    bool is_unknown; /* it could not be planned, or not with the baseline's samples: the cost without stands
                      * for it, and it tells nothing of other sets (low is 0) */
    bool is_doubted; /* a set between used and set was seen to cost more: it tells of no other set from above
                      */
    size_t parent;   /* position of an earlier answer with more present, the dearest; ORACLE_NO_PARENT */
} OracleAnswer;

Oracle *oracle_new(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates);

/* Sizes come from a function instead of the twin's estimate, for comparisons. */
void oracle_size_by(Oracle *oracle, double (*size_bytes)(const Candidate *candidate, const void *context),
                    const void *context);

/* What a candidate has at the least, before it was made. */
double oracle_size_least(const Oracle *oracle, const Candidate *candidate);

/* Makes candidates relevant to the statements that they were not thought of for. */
typedef enum OracleReach {
    ORACLE_SERVES, /* where the leading key stands in it: they may help */
    ORACLE_BESIDE, /* on the table: they stand beside it, and the planner may take them */
} OracleReach;
void oracle_relate(Oracle *oracle, Bits set, OracleReach reach);

/*
 * Questions to come, which are then asked several at once (whatif_expect()): oracle_cost(), oracle_plan() and
 * oracle_make_relevant() tell the same without it, one after the other.
 */
typedef struct OracleQuestion {
    size_t statement;
    Bits set;
    bool with_plan; /* for oracle_plan() */
    bool is_made;   /* for oracle_make_relevant() */
} OracleQuestion;
void oracle_expect(Oracle *oracle, const OracleQuestion *questions, size_t count);

/* Makes a statement's relevant candidates without a question, so that their sizes are known. */
bool oracle_make_relevant(Oracle *oracle, size_t statement, Error *error) FETTLE_MUST_USE;

/* A statement's relevant candidates, without those refused. More may become relevant while the search goes
 * on, and those that cannot be chosen leave: earlier answers stay true. */
Bits oracle_relevant(const Oracle *oracle, size_t statement);
void oracle_relevant_add(Oracle *oracle, size_t statement, size_t candidate);
void oracle_relevant_remove(Oracle *oracle, size_t statement, size_t candidate);

/* Cost of a workload statement (by position) when the candidates of set exist; ret_used (may be NULL) gets
 * those its plan uses, when the planner was asked or an exact answer is at hand. direct: only what the
 * planner said of this very set will do. */
bool oracle_cost(Oracle *oracle, size_t statement, Bits set, bool direct, double *ret_cost, Bits *ret_used,
                 Error *error) FETTLE_MUST_USE;

/* The cost within ORACLE_TOLERANCE, question by question: callers may have heard enough before it is known.
 * What it needs on the way lives in scratch. */
typedef struct OracleDescent {
    Arena *scratch;
    size_t statement;
    Bits set;
    size_t *times;
    size_t from;  /* answer to go on from; ORACLE_NO_PARENT: everything present */
    size_t known; /* answer that holds for the set; ORACLE_NO_PARENT: not yet */
    Bits next;    /* what is asked about next; no words: not chosen yet */
} OracleDescent;
OracleDescent oracle_descent_begin(Oracle *oracle, Arena *scratch, size_t statement, Bits set);
bool oracle_descent_step(Oracle *oracle, OracleDescent *descent, Error *error) FETTLE_MUST_USE;
/* Each of them will make a step. */
void oracle_descents_expect(Oracle *oracle, OracleDescent *const *descents, size_t count);

/* What an answer bounds a set by; 0 when more than it had is present. */
double oracle_answer_low(const OracleAnswer *answer, Bits set);

/* Where fewer indexes could do better than an answer, as some of them narrowed the planner's view, it stands
 * for the sets between its plan's and its own all the same, unless strict: then only for those with all that
 * narrowed it. */
void oracle_be_strict(Oracle *oracle, bool is_strict);

/* What is known without asking. */
OracleBounds oracle_bounds(const Oracle *oracle, size_t statement, Bits set);

/* Takes from present the candidate, and what does the same for the statement and is no smaller: where the one
 * is too large, so are they. */
void oracle_remove(const Oracle *oracle, size_t statement, size_t number, Bits present);

/* Between the bounds, which it is told: what the cheapest plan known costs where another index that does the
 * same may stand for one that the set lacks. */
double oracle_likely(const Oracle *oracle, size_t statement, Bits set, OracleBounds bounds);

/* With all of the set present, and maybe more, the planner used none of it, at the cost without: so it does
 * with less, and there is nothing to ask. */
bool oracle_uses_none(const Oracle *oracle, size_t statement, Bits set);

/* Those that tell the planner of the statement's expressions (informing.h). */
Bits oracle_informing(const Oracle *oracle, size_t statement);

/* The answers so far about a statement, oldest first; the first is the baseline, with nothing present. */
size_t oracle_answer_count(const Oracle *oracle, size_t statement);
const OracleAnswer *oracle_answer(const Oracle *oracle, size_t statement, size_t position);

/* The cheapest plan known that a set allows: its position among the answers. */
size_t oracle_answer_below(const Oracle *oracle, size_t statement, Bits set);

/* The plan under a set; always asks, and the answer counts like any other. What cannot be compared with the
 * baseline, of other samples or of none, is not known and costs what the baseline does. ret_used may be NULL.
 */
bool oracle_plan(Oracle *oracle, size_t statement, Bits set, WhatIfAnswer *ret_answer, Bits *ret_used,
                 Error *error) FETTLE_MUST_USE;

/* Questions that reached the WhatIf, those for plans apart. */
int64_t oracle_questions(const Oracle *oracle);

/* An answer showed that earlier ones had bounded too much: a set of the statement that they bounded by before
 * at the most is bounded by after at the least now. What was concluded of it may be false by the difference.
 */
typedef struct OracleMend {
    size_t statement;
    double before;
    double after;
} OracleMend;
VECTOR_DEFINE(OracleMendList, OracleMend);
const OracleMendList *oracle_mends(const Oracle *oracle); /* oldest first */

/* Does any of the set matter to the statement? */
bool oracle_concerns(const Oracle *oracle, size_t statement, Bits set);

size_t oracle_candidate_count(const Oracle *oracle);

#endif
