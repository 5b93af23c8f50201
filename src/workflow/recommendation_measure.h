// SPDX-License-Identifier: PostgreSQL
/*
 * Measuring an implementation, learning from it, and telling what did harm.
 *
 * recommendation_measure() asks for the effect (effect.h): hours of the week matched, drift taken off by
 * controls, an interval of 95 %. Where the samples are too few for that the contract's simple rule stands
 * (7.4): the snapshot before against the newest sample, no interval. Either way the store writes it down and
 * learns from it (7.5): the recommendation's confidence and the calibration of its kind.
 *
 * recommendation_watch() looks only for harm, as early and as often as one likes; where there is none that is
 * certain, nothing is written.
 *
 * Harm that asks for an undo is what effect.h is certain of (the query's, or that of all on the table, writes
 * too), or a regression whose whole interval lies at 5 % or worse. Without an interval a single sample would
 * undo at random, so that only what is slower by 20 %, over 30 calls on each side, does
 * (queries/implementation_harmful.sql).
 */
#ifndef FETTLE_WORKFLOW_RECOMMENDATION_MEASURE_H
#define FETTLE_WORKFLOW_RECOMMENDATION_MEASURE_H

#include "workflow/recommendation_apply.h"

/* ERROR_CONFLICT: there is nothing to measure yet, or not any more. ERROR_TIMEOUT: the samples were not read
 * by the deadline (0: none). Not inside a transaction. */
bool recommendation_measure(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                            Deadline deadline, Implementation *ret_implementation, Error *error)
    FETTLE_MUST_USE;

bool recommendation_watch(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                          bool *ret_is_harmful, Error *error) FETTLE_MUST_USE;

/* Why an implementation of implementations_harmful() is to be undone, for people. */
const char *recommendation_undo_reason(Arena *arena, const Implementation *implementation);

#endif
