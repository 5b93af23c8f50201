// SPDX-License-Identifier: PostgreSQL
/*
 * IndexAuto: indexes created and dropped without being asked, where the operator allows it.
 *
 * Off unless the class of an action is auto, of the server or of the target (approval.h). Then a target has a
 * round each index.auto_interval:
 * its indexes are analysed as by a person's wish, and of what is recommended at most one is carried out, the
 * best that the rules allow, by the same plan, record and run as a person's approval. One at a time, so that
 * its gain can be told from others; none while a change of the target is open or waits for its measurement.
 * What the target refuses is passed over for the next best; what a person dismissed is never chosen; where
 * the advisor did not work, only what is to be dropped is, for what it advised before may be wrong by now.
 *
 * The rules: the class of what it is; a gain of index.auto_benefit percent at least, and twice what it costs
 * in writes; and index.auto_confidence. A round begins within index.quiet_hours and the target's windows
 * only, its change too, and not while a pause stands against it.
 *
 * Whoever holds the lock of a target's rounds (index_lock.h, the target's number made negative) is the only
 * one; a round is a job of the store, so that a new start does not repeat it.
 */
#ifndef FETTLE_WORKFLOW_INDEX_AUTO_H
#define FETTLE_WORKFLOW_INDEX_AUTO_H

#include "store/index_recommendation.h"
#include "workflow/approval.h"
#include "workflow/index_session.h"

typedef struct IndexAutoRules {
    bool may_create;
    bool may_drop;
    bool may_replace;
    double benefit_least;    /* percent */
    double confidence_least; /* 0..1 */
} IndexAutoRules;

/* What may be done where these classes hold. */
IndexAutoRules index_auto_rules(const Settings *settings, const Approval *approval);

/* hours "22:00-05:30" in UTC, past midnight or not; "" is always. ERROR_INPUT for what is none. */
bool index_auto_is_quiet(const char *hours, int64_t now_us, bool *ret_is_quiet, Error *error) FETTLE_MUST_USE;

/* How long until they begin next, rounded up; INT64_MAX: they are always. */
bool index_auto_quiet_wait(const char *hours, int64_t now_us, int64_t *ret_wait_ms, Error *error)
    FETTLE_MUST_USE;

/* The best that the rules allow; NULL: none. The list is in the store's order, the greatest benefit first. */
const IndexRecommendation *index_auto_choose(const IndexRecommendations *list, const IndexAutoRules *rules);

/* Targets whose round is due now, at most `most`; none when nothing is allowed or the hour is not quiet. */
bool index_auto_due(const IndexManager *manager, Arena *arena, size_t most, int64_t **ret_target_ids,
                    size_t *ret_count, Error *error) FETTLE_MUST_USE;
/* How long until quiet hours begin or a target's window opens, whichever comes first: time alone may make a
 * target due then. INT64_MAX: neither is to come. */
bool index_auto_wait(const IndexManager *manager, int64_t *ret_wait_ms, Error *error) FETTLE_MUST_USE;

/* The round of a target, from analysis to the end of the change. Its job says what became of it. */
bool index_auto_round(const IndexManager *manager, int64_t target_id, Error *error) FETTLE_MUST_USE;

#endif
