// SPDX-License-Identifier: PostgreSQL
/*
 * Measuring an implementation, learning from it, and undoing what did harm.
 *
 * recommendation_measure() writes what it found into the implementation; the store's function then moves the
 * recommendation's confidence and the calibration of its kind (contract, 7.5).
 */
#ifndef FETTLE_WORKFLOW_RECOMMENDATION_MEASURE_H
#define FETTLE_WORKFLOW_RECOMMENDATION_MEASURE_H

#include "workflow/recommendation_apply.h"

#define MEASURE_HARM_PERCENT 5.0 /* what Fettle did itself and made it so much slower is undone */

/* ERROR_CONFLICT: there is nothing to measure yet, or not any more. */
bool recommendation_measure(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                            Implementation *ret_implementation, Error *error) FETTLE_MUST_USE;

/* Whether what was measured asks for the undo, and why (for people). */
bool recommendation_wants_undo(Arena *arena, const Implementation *implementation, const char **ret_reason);

#endif
