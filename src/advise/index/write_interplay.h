// SPDX-License-Identifier: PostgreSQL
/*
 * WriteInterplay: what a set of indexes costs writes beyond what each of its indexes costs alone.
 *
 * An update that is HOT writes to no index. One index that holds a column which the update sets (an ender)
 * ends that, and all others of the table get their entries too. So an ender is dearer the more indexes stand
 * beside it, and a sum over the set is too low. An interplay has the enders of some updates of a table, and
 * the others of the table with what each pays once one of the enders is there. What the table and its present
 * indexes lose is shared: it is in the price of each ender alone, and is paid once by a set that has any of
 * them. So a set costs its indexes' prices less what each shares, and the shared parts once.
 *
 * write_cost.h makes the list once; to price a set is then a pass over it. Pure.
 */
#ifndef FETTLE_ADVISE_INDEX_WRITE_INTERPLAY_H
#define FETTLE_ADVISE_INDEX_WRITE_INTERPLAY_H

#include "advise/index/bits.h"
#include "base/list.h"

typedef struct WritePayer {
    size_t number; /* of the candidate */
    double cost;   /* in the objective's unit, ≥ 0 */
} WritePayer;

VECTOR_DEFINE(WritePayerList, WritePayer);

typedef struct WriteInterplay {
    const void *table;
    Bits enders;   /* candidates */
    double shared; /* in the price of each ender alone, paid once; in the objective's unit, ≥ 0 */
    WritePayerList payers;
} WriteInterplay;

VECTOR_DEFINE(WriteInterplayList, WriteInterplay);

/* Of a set of candidates beside what its indexes cost without what they share, in the objective's unit. */
double write_interplay_cost(const WriteInterplayList *list, Bits set);

/* What of a candidate's price alone others pay as well. */
double write_interplay_shared(const WriteInterplayList *list, size_t number);

#endif
