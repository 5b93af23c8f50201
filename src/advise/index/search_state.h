// SPDX-License-Identifier: PostgreSQL
/*
 * What the rooms of the search share: search.h says what they are for.
 *
 * best is the best set found, never over a budget; its value is by the cheapest plans known, no less than the
 * true one, and verified in the end. Only search_offer(), search_review() and search_spare() change it.
 */
#ifndef FETTLE_ADVISE_INDEX_SEARCH_STATE_H
#define FETTLE_ADVISE_INDEX_SEARCH_STATE_H

#include "advise/index/program.h"
#include "advise/index/search.h"
#include "advise/index/write_interplay.h"

/* A difference this small, as a share of the best set's value, is none. */
#define SEARCH_TOLERANCE 1e-7

/* Of a workload this small the proof asks all that matters; of a larger one it may come to no end, and what
 * is chosen must be good before it. */
#define SMALL_STATEMENTS_MOST 50

typedef struct Review Review;

typedef struct Search {
    Arena *arena;
    const AdvisorContext *context;
    const CandidateSet *candidates;
    Oracle *oracle;
    MipSolver *solver;
    ProgramIndex *indexes; /* by candidate */
    Review *review;        /* NULL: none yet */
    WriteInterplayList interplay;
    Bits harvested; /* some plan used them */
    Bits avoided;   /* not to be chosen, whatever the planner's costs say */
    Bits crossed;   /* of those: because plans would cross them with others in vain */
    Bits risky;     /* in some set they made a plan hope for more than is likely */
    Bits best;
    Bits guessed; /* what the proof asked about last */
    double best_value;
    double bound;        /* 0: none */
    size_t bound_mends;  /* the oracle's when it was computed */
    double proven_value; /* best_value before the review */
    bool is_proven;      /* best is within the gap allowed */
    bool is_asking;      /* about sets that are chosen from what is known: no proof will do it */
    bool is_thorough;    /* the proof asks about a set itself where nothing else teaches it more */
    int itself_left;     /* rounds of the proof that may do so */
    int any_count;       /* programs that were solved for any choice */
    bool is_cautious;    /* the review changed the set */
    size_t unreviewed;   /* statements */
    size_t unreviewed_indexes;
    double value_without;
    int64_t start_us;
    SearchImprovementList improvements;
    Deadline deadline; /* of the room at hand: what comes before the review leaves it some time */
    Deadline harvest_deadline;
    bool is_harvest_cut;
    bool has_chosen; /* a first choice was made; until then the deadline may be passed by a little */
    bool is_stopped;
    bool was_stopped; /* before the review */
} Search;

bool search_out_of_time(Search *search);
bool search_is_small(const Search *search);
/* Has the questions asked as far as there is time. */
void search_expect(Search *search, const OracleQuestion *questions, size_t count);
void search_progress(const Search *search, const char *step, size_t done, size_t total);
int64_t search_questions(const Search *search);

/* Sizes and costs of the candidates as they are known now. */
void search_indexes_refresh(Search *search);
/* What one index may have. */
double search_size_most(const Search *search);
bool search_fits(const Search *search, Bits set);
/* As search_fits() sums them. */
double search_bytes(const Search *search, Bits set);

/* Cost of having the set, whatever it serves: at least the sum of its indexes' own and of what they share,
 * which is what the programs know. */
double search_cost_of_having(const Search *search, Bits set);

/* evaluate.c: how much is asked about a set. */
typedef struct SearchPatience {
    double value_most; /* a set that cannot be worth less is asked no further about */
    double slack;      /* this much of the value may stay open; 0: all is asked */
} SearchPatience;

typedef struct SearchEvaluation {
    double value; /* by the cheapest plans known: no less than the true value, and exact without slack */
    Bits used;    /* those of the set that some statement's gain needs */
    bool is_refuted;
} SearchEvaluation;

/* advise.proof_percent as a share; 1 or more: no proof. */
double search_gap_allowed(const Search *search);
/* What is asked about a set where nothing else is known of the purpose. */
SearchPatience search_patience(const Search *search);
/* Reads sizes again too. */
bool search_evaluate(Search *search, Bits set, SearchPatience patience, SearchEvaluation *ret_evaluation,
                     Error *error) FETTLE_MUST_USE;

/* Evaluates a set, less what nothing uses; it becomes the best when it is better. */
bool search_offer(Search *search, Bits set, SearchPatience patience, bool *ret_is_better, Error *error)
    FETTLE_MUST_USE;

/* harvest.c */
bool search_harvest(Search *search, Error *error) FETTLE_MUST_USE;

/* pool.c: the oracle's answers as a Program; what the program chooses is offered until nothing is learned. */
const Program *search_program(const Search *search, Arena *arena);
bool search_choose(Search *search, Error *error) FETTLE_MUST_USE;
/* Once, and by a guess (guess.h) from the best set, without a solver. */
bool search_choose_nearly(Search *search, Error *error) FETTLE_MUST_USE;
/* After a change of the best set, of what is small; of what is large nearly: there a program takes as long as
 * a hundred questions. */
bool search_choose_again(Search *search, Error *error) FETTLE_MUST_USE;

/* local_search.c */
bool search_locally(Search *search, Error *error) FETTLE_MUST_USE;

/* affordable.c: of each statement that is most of the best set's value the cheapest plan that the budgets
 * allow is asked for, and a choice made anew. */
bool search_afford(Search *search, Error *error) FETTLE_MUST_USE;

/* bound.c; the first makes what is some statement's and may be chosen relevant to all on its table. */
void search_relate(Search *search);
bool search_prove(Search *search, Error *error) FETTLE_MUST_USE;
/* The best set's value, as it stands, is within the gap allowed of the bound. */
bool search_bound_is_near(const Search *search);
/* The choice and what the budgets have room for beside it, smallest first; one that its table has no room for
 * is passed over. Without a budget that is the choice: of all there is everything is known. */
Bits search_fill(const Search *search, Bits chosen);
/* After the last question: a bound that rests on answers mended since is less by what they were mended by,
 * and computed again where that leaves too much open. */
void search_bound_renew(Search *search);

/* review.c: best becomes what is best when plans that hope to stop early do not. */
bool search_review(Search *search, Error *error) FETTLE_MUST_USE;

/* A set by the plans of the review. */
typedef struct SearchReviewed {
    double value;    /* at the planner's word */
    double cautious; /* with caution */
    bool is_late;    /* time was up: some plan was not looked at */
} SearchReviewed;
bool search_review_value(Search *search, Bits set, SearchReviewed *ret_reviewed, Error *error)
    FETTLE_MUST_USE;

/* spare.c: what of a value may be given away for less space; and best becomes a set that does. */
double search_spared_most(const Search *search, double value);
bool search_spare(Search *search, Error *error) FETTLE_MUST_USE;

#endif
