// SPDX-License-Identifier: PostgreSQL
/*
 * Delta: what each statement did between two rounds, from lifetime counters. Pure arithmetic.
 *
 * The history holds what the last round saw, by (user, database, queryid, toplevel). For an entry of this
 * round, in this order:
 *
 *   1. it counts since another moment than before (17+: stats_since)  -> its whole value is the delta
 *   2. all statements were reset (14+: stats_reset), or the server     -> its whole value
 *      restarted without the old counters
 *   3. any counter went down, or is negative (reset, wrap)             -> its whole value
 *   4. it is not in the history: new, or evicted and back              -> its whole value, but nothing in the
 *      first round or when rounds are cut to the busiest: it may be old and only seen now, unless
 *      stats_since says that it began after the round before
 *   5. else                                                            -> the difference
 *
 * What a server did between the last round and a reset is lost; what it did since is counted once, never
 * twice. Before 17 a reset of one entry that then outruns its old counters cannot be seen: its delta is too
 * low, never too high.
 *
 * A restart without the old counters (a crash, or pg_stat_statements.save = off) shows, before 17, by three
 * quarters of the history's entries being gone or lower, right after the server or the session began anew.
 *
 * The deviation of the round's calls comes from the sums of squares before and after (Chan, Golub, LeVeque,
 * "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979).
 */
#ifndef FETTLE_COLLECT_DELTA_H
#define FETTLE_COLLECT_DELTA_H

#include "collect/source.h"

typedef struct DeltaHistory DeltaHistory;

DeltaHistory *delta_history_new(void);
void delta_history_free(DeltaHistory *history); /* NULL is allowed */
/* Forgets all: the next round is a first one. */
void delta_history_clear(DeltaHistory *history);
size_t delta_history_count(const DeltaHistory *history);

/* One round as it was read. */
typedef struct DeltaRead {
    const SourceStatements *statements;
    const SourceState *state;
    bool is_session_new; /* the session was opened since the round before */
    /* First round only: entries that began after this moment of the server's clock count; 0: none does. */
    double first_since;
} DeltaRead;

typedef struct DeltaSample {
    size_t position; /* of the entry in DeltaRead.statements */
    int64_t counters[SAMPLE_COUNTER_COUNT];
} DeltaSample;

typedef struct DeltaRound {
    DeltaSample *samples; /* only entries that did something, in the order read */
    size_t count;
    unsigned flags; /* SampleFlag: RESET, EVICTED, RESTART, CUT */
} DeltaRound;

void delta_round(Arena *arena, const DeltaHistory *history, const DeltaRead *read, DeltaRound *ret_round);

/* The round becomes the history. */
void delta_history_set(DeltaHistory *history, const DeltaRead *read);

#endif
