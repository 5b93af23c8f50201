// SPDX-License-Identifier: PostgreSQL
/*
 * A small shop's workload in memory, for tests: statements by their text and figures, and a snapshot with a
 * partitioned table, a view and a unique key.
 */
#ifndef FETTLE_TESTS_MEMORY_SHOP_H
#define FETTLE_TESTS_MEMORY_SHOP_H

#include "../death.h"

#include "workload/hot.h"

#define SHOP_HOURS ((size_t)336)

/* Of one observed day (86,400 s); hash counts from 1. */
typedef struct ShopStatement {
    const char *text;
    double calls;
    double mean_ms;
    double rows_per_call;
} ShopStatement;

WorkloadTemplates shop_templates(Arena *arena, const ShopStatement *statements, size_t count);

/* Arrivals for a statement: calls[i] from what the function says of hour i; NAN: not observed. */
void shop_hours(Arena *arena, WorkloadTemplate *template, float (*calls_at)(size_t hour));

const Snapshot *shop_snapshot(Arena *arena);

#endif
