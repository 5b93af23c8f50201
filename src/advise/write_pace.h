// SPDX-License-Identifier: PostgreSQL
/*
 * WritePace: how long this server takes for what it writes, beside the machine on which the prices of
 * advise/index/write_cost.h were measured.
 *
 * An index entry costs 4 µs or 40 by the processor, by what else runs between two calls (entries and rows are
 * then found in no cache) and by what is read from the disk. The server's own statements that write single
 * rows have met all of that: each one's mean time is compared with what it took on that machine among others
 * (bench/write_cost.py), by what it does: the row, entries in the present indexes, look-ups of foreign keys.
 * By that bench all of these rise and fall together: at the quickest to 0.3 to 0.4 of what they take among
 * others, with the caches emptied to 2 to 3 times that, entries as rows and look-ups.
 *
 * What tells: INSERT of up to ten rows a call that reads no other table, UPDATE of a row by key where the
 * table has 500 pages at least (smaller ones stay in the processor's cache, where a new index would not),
 * called 50 times at least (the first calls of a session load catalogs), and counted by the server itself.
 *
 * One statement tells little, for expressions, triggers and long values are in its time too and are not
 * known: the logarithm of its ratio is taken to be off by 0.65. Their mean is weighed against what is known
 * of any server before: that most are between half and twice as fast (0.7). So a server with no such
 * statement has pace 1 and a wide interval, and each statement narrows it; but by 0.25 all of a server's
 * statements may be off alike (triggers, wide rows), which none of them tells.
 *
 * Pure; nothing is allocated.
 */
#ifndef FETTLE_ADVISE_WRITE_PACE_H
#define FETTLE_ADVISE_WRITE_PACE_H

#include "advise/workload.h"

/* From the workload's statements, weighed or not. */
WritePace write_pace_measure(const Snapshot *snapshot, const Workload *workload);

/* Of the workload; what is thought of any server when it has none. */
WritePace write_pace_of(const Workload *workload);

#endif
