// SPDX-License-Identifier: PostgreSQL
/*
 * What an index costs the writes of the workload, in the objective's unit (milliseconds when the workload has
 * times, else calls × planner cost).
 *
 * Rows written come from the workload's own INSERT, UPDATE, DELETE and MERGE statements, so both sides cover
 * the same span. A row inserted costs an entry. An update costs nothing while it stays HOT: it does not set a
 * column that some index holds (as key, within an expression, as INCLUDE or in the predicate; BRIN apart from
 * 16 on), and the page has room, as often as the table's figures say. An index that holds a column set by
 * such a statement ends that: the update then makes an entry in it, in every other index of the table, and a
 * line pointer more in the table. A row deleted costs vacuum an entry. A partial index is written for the
 * rows it holds.
 *
 * Besides, a statement pays for each index that it writes, which is most of the cost where it writes one row:
 * 9 µs of an INSERT, 13 µs of an UPDATE. By bench/write_cost.py a statement of one row pays for an index 3 µs
 * (rows that come in the index's order) to 15 µs (texts) of an INSERT and 9 to 11 µs of an UPDATE where
 * nothing else runs, 21 to 32 µs where each call follows one that reads 4 MB of something else. What is
 * charged lies between, for other statements run between these in any workload.
 *
 * Measured on cached tables (15, one session, rough: the machine was shared): a B-tree or hash entry 4 µs and
 * 110 bytes of WAL; of an update that is no longer HOT 1 µs in the table and 5 µs in each other index; GIN
 * 8 µs, for trigrams 2.5 µs for each byte of text; GiST and SP-GiST 100 µs on ranges that come in order, the
 * worst seen, 6 µs on networks; BRIN next to nothing.
 *
 * The estimate has an interval: what was measured at the least and at the most, the least on a machine twice
 * as fast and the most on one half as fast, and none or all of the updates HOT where that is not known. Pages
 * that must be read from the disk are not in it.
 */
#ifndef FETTLE_ADVISE_INDEX_WRITE_COST_H
#define FETTLE_ADVISE_INDEX_WRITE_COST_H

#include "advise/index/candidate.h"
#include "advise/index/write_interplay.h"

typedef struct WriteCost {
    double objective; /* in the objective's unit */
    double objective_low;
    double objective_high;
    double ms;        /* over the workload's span */
    double wal_bytes; /* over the workload's span, without full-page images */
    double rows;      /* entries that are made */
    double hot_lost;  /* updates that stop being HOT */
} WriteCost;

/* Candidates that are made together; the one that is priced may be among them. */
typedef struct WriteBeside {
    const Candidate *const *items;
    size_t count;
} WriteBeside;

/* beside: NULL, or the set that it is made with. Where one of it ends updates' being HOT, all of the table
 * get their entries; where several do, each bears a part of what that costs the indexes that are there. */
WriteCost index_write_cost_detail(const AdvisorContext *context, const Candidate *candidate,
                                  const WriteBeside *beside);

/* Its objective alone, as if made alone: a sum over a set is too low where one ends HOT updates for all. */
double index_write_cost(const AdvisorContext *context, const Candidate *candidate);

/* What sets of the candidates cost beyond that. */
WriteInterplayList index_write_interplay(Arena *arena, const AdvisorContext *context,
                                         const CandidateSet *candidates);

#endif
