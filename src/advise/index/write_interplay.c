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
        cost += interplay->shared;
        for (size_t k = 0; k < interplay->payers.count; k++)
            if (bits_has(set, interplay->payers.items[k].number))
                cost += interplay->payers.items[k].cost;
    }
    return cost;
}

double
write_interplay_shared(const WriteInterplayList *list, size_t number)
{
    double shared = 0;
    for (size_t i = 0; i < list->count; i++)
        if (bits_has(list->items[i].enders, number))
            shared += list->items[i].shared;
    return shared;
}
