// SPDX-License-Identifier: PostgreSQL
/*
 * What an index costs the writes of the workload, in the objective's unit (milliseconds when the workload has
 * times, else calls × planner cost).
 *
 * Rows written come from the workload's own INSERT, UPDATE and DELETE statements, so both sides cover the
 * same span. A row inserted costs one descent and leaf write per index; an update costs it for every index of
 * the table once a column of any index is set (it loses HOT), weighed by the table's share of HOT updates.
 * The constants were measured on a cached table with a random integer key: 4 µs per row and index, 5 µs for
 * an update that stops being HOT.
 */
#ifndef FETTLE_ADVISE_INDEX_WRITE_COST_H
#define FETTLE_ADVISE_INDEX_WRITE_COST_H

#include "advise/index/candidate.h"

double index_write_cost(const AdvisorContext *context, const Candidate *candidate);

#endif
