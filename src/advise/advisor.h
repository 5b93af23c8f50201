// SPDX-License-Identifier: PostgreSQL
/*
 * Advisor: a pure function of (Snapshot, WhatIf) to advice.
 *
 * One interface, one folder per advisor, one line in the table (advise/table.c). An advisor changes nothing
 * anywhere: it reads the workload, asks the WhatIf, and appends to an Advice. It also says why it advises
 * nothing: a Rejection per idea that was weighed and dropped, worded for the person who had the idea.
 *
 * A recommendation carries its proof: every statement it was costed for, before and after, with plans for
 * those that change; what it costs (bytes, writes); its undo. Percentages are of the workload's weighted
 * cost, signed, positive is better. Milliseconds are measured times scaled by the planner's cost ratio: an
 * estimate, and named so.
 */
#ifndef FETTLE_ADVISE_ADVISOR_H
#define FETTLE_ADVISE_ADVISOR_H

#include "advise/workload.h"
#include "base/settings.h"
#include "whatif/whatif.h"

/* What happens when a recommendation is wrong. */
typedef enum AdviceRisk {
    ADVICE_RISK_LOW,    /* undone at once, no lock that blocks readers or writers */
    ADVICE_RISK_MEDIUM, /* a short lock, or a change of many plans */
    ADVICE_RISK_HIGH,   /* hard to undo, or needs a restart */
} AdviceRisk;

/* One statement under the recommendation. */
typedef struct AdviceEffect {
    const WorkloadStatement *statement;
    double cost_before;
    double cost_after;
    double saved_ms; /* of its measured total time over the workload's span; negative when it loses; NAN
                        unknown */
    const PgPlan *plan_before; /* NULL when it was not kept */
    const PgPlan *plan_after;
    bool is_generic; /* costed by the generic plan only */
} AdviceEffect;

VECTOR_DEFINE(AdviceEffectList, AdviceEffect);

typedef struct Recommendation {
    int number;              /* 1 is the best; set by ranking */
    const char *advisor;     /* "index" */
    const char *kind;        /* "create_index", "replace_index" (create and drop in one) */
    const char *object_name; /* of what is made or changed */
    const char *relation;    /* qualified and quoted */
    const char *title;       /* one line for people */
    const char *statement;   /* to run as it stands */
    const char *undo;        /* to run as it stands */
    const char *reason;      /* one or two sentences */
    const char *replaced;    /* name of the index that goes, in its table's schema; NULL: none does */
    AdviceRisk risk;
    double size_bytes;         /* NAN when it takes no space */
    double write_cost_percent; /* of the workload's weighted cost; NAN unknown */
    double write_cost_low;     /* percent, as its interval's ends */
    double write_cost_high;
    double write_wal_bytes;     /* over the workload's span, without full-page images */
    double hot_updates_lost;    /* updates of the workload that stop being HOT */
    double improvement_percent; /* of the whole workload, writes included */
    double saved_ms;            /* over the workload's span; NAN unknown */
    AdviceEffectList gains;     /* best first */
    AdviceEffectList losses;    /* worst first */
    const char *const *notes;   /* cautions: "other queries on this table were not costed", ... */
    size_t note_count;
} Recommendation;

typedef struct Rejection {
    const char *advisor;
    const char *subject; /* "btree (status) on public.orders", "statement 8123..." */
    const char *reason;  /* "not selective: 95 % of the rows are 'done'" */
    double weight;       /* for order: share of the workload it would have concerned, 0..1 */
} Rejection;

VECTOR_DEFINE(RecommendationList, Recommendation *);
VECTOR_DEFINE(RejectionList, Rejection);

typedef struct Advice {
    Arena *arena;
    const Snapshot *snapshot;
    const Workload *workload;
    RecommendationList recommendations; /* ranked, best first */
    RejectionList rejections;           /* weightiest first */
    double cost_before;                 /* weighted cost of the statements that could be costed */
    double cost_after;                  /* with everything recommended, writes included */
    WhatIfStatistics questions;
    double gap_percent; /* no set of the indexes considered saves more than this of cost_after beside; NAN:
                           not proven */
    bool is_cautious;   /* other sets are better by the planner's costs, for it hopes for too much */
    size_t unreviewed_count; /* statements whose new plans were not looked at for risk, for want of time */
    size_t unreviewed_index_count; /* recommended, with risky plans that no remedy was sought for */
    size_t unverified_count;   /* statements that the planner was not asked about with all of it, for want of
                                  time: they cost at most what is told, if it is consistent */
    int solver_failures;       /* 0/1 programs that are unsolved because the solver failed */
    const char *solver_reason; /* of the last; NULL */
    bool is_stopped_early;     /* the time limit cut the search: the answer is the best so far */
} Advice;

typedef struct AdvisorContext {
    Arena *arena; /* advice lives here */
    const Snapshot *snapshot;
    const Workload *workload;
    WhatIf *whatif;
    const Settings *settings;
    Deadline deadline;         /* best answer so far at this time */
    double budget_bytes;       /* for all new objects together; INFINITY: none */
    double table_budget_bytes; /* for those of each table; 0: no limit */
    size_t keys_most;          /* of a new index, INCLUDE apart; 0: as many as the advisor thinks of */
    void (*progress)(void *context, const char *step, int64_t done, int64_t total); /* may be NULL */
    void *progress_context;
} AdvisorContext;

typedef struct Advisor {
    const char *name;
    const char *summary; /* one line, for help */
    bool (*run)(const AdvisorContext *context, Advice *advice, Error *error);
} Advisor;

/* All advisors, ended by NULL. */
extern const Advisor *const advisors[];

/* Runs every advisor (or only the named one) and ranks what they found by saved time, then improvement, then
 * name. */
bool advise_run(const AdvisorContext *context, const char *only, Advice **ret_advice, Error *error)
    FETTLE_MUST_USE;

const char *advice_risk_word(AdviceRisk risk);

#endif
