// SPDX-License-Identifier: PostgreSQL
/*
 * A snapshot in memory and a workload over it, for tests of the advisor's parts that ask no planner: baseline
 * costs are given, not asked for.
 *
 *     Fixture fixture = memory_workload(arena, MEMORY_SHOP, statements, 2);
 */
#ifndef FETTLE_TESTS_MEMORY_WORKLOAD_H
#define FETTLE_TESTS_MEMORY_WORKLOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "advise/advisor.h"

typedef struct MemoryStatement {
    const char *text;
    double calls;
    double total_ms; /* NAN unknown */
    double rows;     /* NAN unknown */
    double baseline_cost;
} MemoryStatement;

typedef struct Fixture {
    AdvisorContext context;
    Workload *workload;
    Advice *advice;
} Fixture;

/* Tables of public: orders (id, customer_id, status, total, created_at, note, data) of 1,000 pages with a
 * primary key on id and statistics; small (id, x) of 5 pages; events partitioned by day into events_1,
 * events_2 (columns turned round). */
extern const char memory_shop[];

Fixture memory_workload(Arena *arena, const char *snapshot_text, const MemoryStatement *statements,
                        size_t count);

/* The workload of statements given by their texts alone: one call and a cost of 1,000 each, no times. */
Fixture memory_workload_of(Arena *arena, const char *const *texts, size_t count);

#endif
