// SPDX-License-Identifier: PostgreSQL
/*
 * WriteInterplay: what a set of indexes costs writes beyond what each of its indexes costs alone.
 *
 * An update that is HOT writes to no index. One index that holds a column which the update sets (an ender)
 * ends that, and all others of the table get their entries too. So an ender is dearer the more indexes stand
 * beside it, and a sum over the set is too low. An interplay has the enders of some updates of a table, and
 * the others of the table with what each pays once one of the enders is there. What the enders themselves pay
 * is in their own prices: several of them are charged what the existing indexes pay once each, so the sum is
 * never too low, and the cost of a set is at least the sum of its indexes' own.
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
    Bits enders; /* candidates */
    WritePayerList payers;
} WriteInterplay;

VECTOR_DEFINE(WriteInterplayList, WriteInterplay);

/* Of a set of candidates, in the objective's unit. */
double write_interplay_cost(const WriteInterplayList *list, Bits set);

#endif
