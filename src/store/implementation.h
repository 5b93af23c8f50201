// SPDX-License-Identifier: PostgreSQL
/*
 * Implementations: recommendations that were carried out, with what was known before, what was measured
 * after, and how they ended (fettle.optimization_implementations).
 *
 *   pending ──► implemented | no_improvement | regressed ──► reverted
 *      └─────► failed
 *
 * One that Fettle carries out itself is tied to its index change; the store follows that change's state by
 * itself (migration 0010: a failed change is a failed implementation, a completed undo a reverted one), in
 * the transaction that writes the change's end, so that no kill leaves the two contradicting each other.
 *
 * Opening, measuring and learning are functions of the store, the same that people have in SQL.
 */
#ifndef FETTLE_STORE_IMPLEMENTATION_H
#define FETTLE_STORE_IMPLEMENTATION_H

#include "pg/connection.h"

#define IMPLEMENTATIONS_MOST 1000

typedef struct Implementation {
    int64_t id;
    int64_t recommendation_id;
    int64_t target_id;
    const char *target_name;
    int64_t query_hash; /* 0: none */
    const char *source_type;
    const char *kind;
    const char *text; /* of the recommendation */
    const char *notes;
    const char *pre_stats;    /* JSON object text; NULL: nothing is known */
    const char *post_stats;   /* NULL: not measured yet */
    double predicted_percent; /* NAN unknown, as below */
    double actual_percent;
    double actual_low;
    double actual_high;
    double actual_seconds; /* for each call */
    double accuracy;
    double confidence;
    const char *status;
    const char *error_message;
    int64_t implemented_at_us;
    int64_t measured_at_us;    /* 0: not yet */
    int64_t rolled_back_at_us; /* 0: it was not */
    int64_t index_change_id;   /* 0: Fettle did not carry it out */
    int64_t undo_change_id;    /* 0: it is not being undone */
    const char *undo_reason;
    const char *harm;     /* what was measured that asks for an undo; NULL: nothing */
    const char *undo_sql; /* that is stored; NULL: none */
    const char *database_name;
    int64_t enough_data_at_us; /* as below; 0 and NAN: not known */
    const char *undo_remark;   /* what the undo found, or left lacking; NULL: nothing to say */
    double detectable_percent;
} Implementation;

typedef struct Implementations {
    Implementation *items;
    size_t count;
} Implementations;

typedef struct ImplementationOpening {
    int64_t recommendation_id;
    int64_t query_hash; /* 0: the recommendation's */
    const char *notes;
    const char *pre_stats; /* JSON object text; NULL: what the store knows */
    int64_t change_id;     /* index change that carries it out; 0: none */
} ImplementationOpening;

/* ERROR_NOT_FOUND without such a recommendation; ERROR_CONFLICT while one of the last 30 days is pending: of
 * two that ask at once one wins. The recommendation is dismissed as implemented. */
bool implementation_open(PgConnection *session, const ImplementationOpening *opening, int64_t *ret_id,
                         Error *error) FETTLE_MUST_USE;

/* Newest first; recommendation_id 0, status NULL: any. limit 1 .. IMPLEMENTATIONS_MOST. */
bool implementation_list(PgConnection *session, Arena *arena, int64_t recommendation_id, const char *status,
                         size_t limit, Implementations *ret_list, Error *error) FETTLE_MUST_USE;
bool implementation_get(PgConnection *session, Arena *arena, int64_t id, Implementation *ret_implementation,
                        Error *error) FETTLE_MUST_USE;

/* The measurement without statistics: the snapshot before against the newest sample after (contract, 7.4).
 * ERROR_CONFLICT: there is no such sample yet, or nothing to measure: it failed, is undone or being undone,
 * or its index change is not over. */
bool implementation_measure_simply(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;

/* A measurement that was made elsewhere is written down and learnt from. ERROR_CONFLICT: there is nothing to
 * measure any more, as above. */
typedef struct ImplementationResult {
    const char *post_stats; /* JSON object text */
    double actual_percent;  /* NAN unknown, as below */
    double low;
    double high;
    double seconds;
    const char *verdict;
    const char *harm; /* NULL: none that asks for an undo */
} ImplementationResult;
bool implementation_measured(PgConnection *session, Arena *arena, int64_t id,
                             const ImplementationResult *result, Error *error) FETTLE_MUST_USE;

/* When a measurement has, or will have, enough data (workflow/effect.h). An id that is not there is nobody's.
 */
typedef struct ImplementationEnough {
    int64_t at_us;             /* 0: not within two weeks, or not known */
    double detectable_percent; /* NAN: nothing yet */
} ImplementationEnough;
bool implementation_enough(PgConnection *session, Arena *arena, int64_t id,
                           const ImplementationEnough *enough, Error *error) FETTLE_MUST_USE;

/* Those that are to be measured now (24 h and 48 h after), or only looked at for harm (is_due false); they
 * are not named again for a while. */
typedef struct ImplementationDue {
    int64_t id;
    bool is_due;
} ImplementationDue;
bool implementations_due(PgConnection *session, Arena *arena, ImplementationDue **ret_due, size_t *ret_count,
                         Error *error) FETTLE_MUST_USE;

/* Those that do harm and that Fettle carried out, and that are not being undone; not those whose undo failed
 * a while ago (1, 2, 4 ... hours), or was cancelled by a person. Nor those on a disabled target, or whose
 * undo a pause stops: that and until when becomes their error_message ("not undone: ..."), unless it says
 * that they could not be undone, and goes with the first call after that or the week is over. */
bool implementations_harmful(PgConnection *session, Arena *arena, int64_t **ret_ids, size_t *ret_count,
                             Error *error) FETTLE_MUST_USE;

/* Ties an index change that undoes it. ERROR_CONFLICT: it is being undone already, or was. */
bool implementation_undo_begin(PgConnection *session, int64_t id, int64_t change_id, const char *reason,
                               Error *error) FETTLE_MUST_USE;

/* The undo could not even be ordered: that is its error_message, and implementations_harmful names it later.
 * What is undone or being undone by now is left alone. */
bool implementation_undo_failed(PgConnection *session, int64_t id, const char *message, Error *error)
    FETTLE_MUST_USE;

/* What was to be undone is gone already: it is reverted now. remark: how things were found. ERROR_CONFLICT as
 * above. */
bool implementation_reverted(PgConnection *session, int64_t id, const char *reason, const char *remark,
                             Error *error) FETTLE_MUST_USE;

/* How they ended, the newest first; those that are pending are left out; target_id 0: of all targets. */
#define IMPLEMENTATION_OUTCOMES_MOST 100000
typedef struct ImplementationOutcome {
    const char *source_type;
    const char *kind; /* "": entered by hand */
    int64_t target_id;
    const char *status;
    double predicted_percent; /* NAN unknown, as below */
    double actual_percent;
    double confidence; /* that was stated when it was carried out */
    double accuracy;
    double factor; /* of the kind's calibration on the target */
} ImplementationOutcome;
bool implementation_outcomes(PgConnection *session, Arena *arena, int64_t target_id,
                             ImplementationOutcome **ret_outcomes, size_t *ret_count, Error *error)
    FETTLE_MUST_USE;

/* A change of this table whose measurement is not over (at most 48 h); *ret_id 0: none. */
typedef struct ImplementationPlace {
    int64_t target_id;
    const char *database;
    const char *schema;
    const char *table;
} ImplementationPlace;
bool implementation_on_table(PgConnection *session, const ImplementationPlace *place, int64_t *ret_id,
                             Error *error) FETTLE_MUST_USE;

#endif
