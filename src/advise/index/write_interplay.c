// SPDX-License-Identifier: PostgreSQL
#include "advise/index/write_interplay.h"

double
write_interplay_cost(const WriteInterplayList *list, Bits set)
{
    double cost = 0;
    for (size_t i = 0; i < list->count; i++) {
        const WriteInterplay *interplay = &list->items[i];
        if (!bits_meet(interplay->enders, set))
            continue;
        for (size_t k = 0; k < interplay->payers.count; k++)
            if (bits_has(set, interplay->payers.items[k].number))
                cost += interplay->payers.items[k].cost;
    }
    return cost;
}
