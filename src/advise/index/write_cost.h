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
 * 9 µs of an INSERT, 8 µs of an UPDATE. These prices are those of statements that run among others; on
 * another server, or with colder caches, they are so many times more as the server's own writes take more
 * (advise/write_pace.h).
 *
 * Measured on cached tables (15, one session, rough: the machine was shared; bench/write_cost.py): a B-tree
 * or hash entry of an INSERT 9 to 14 µs and 110 bytes of WAL, among other statements; each index of an
 * update that is no longer HOT 7 to 12.5 µs. GIN 8 µs, for trigrams 2.5 µs for each byte of text; GiST and
 * SP-GiST 100 µs on ranges that come in order, the dearest of what was tried, 6 µs on networks; BRIN next to
 * nothing.
 *
 * The estimate has an interval of two parts that are put together as independent ones are: how far prices of
 * one machine lie from each other (by type of value, what stands beside, depth: 1.6 times either way for
 * B-trees), and how sure the server's pace is, 1.65 deviations. None or all of the updates are HOT where that
 * is not known. The first change of a page after a checkpoint, which is logged whole, is in it as far as the
 * server's own writes pay for it. Of GiST and SP-GiST only ranges in order and networks were measured: for
 * ranges in another order, which at the least are taken to be as cheap as networks, and for other types,
 * geometry and texts among them, the low side is a guess.
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

/* Its objective alone, as if made alone: a sum over a set is too low where one ends HOT updates for all, and
 * too high where several end the same ones. */
double index_write_cost(const AdvisorContext *context, const Candidate *candidate);

/* What sets of the candidates cost beside that. */
WriteInterplayList index_write_interplay(Arena *arena, const AdvisorContext *context,
                                         const CandidateSet *candidates);

#endif
