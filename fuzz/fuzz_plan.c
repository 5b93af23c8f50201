// SPDX-License-Identifier: PostgreSQL
#include "pg/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    Error error = {0};
    PgPlan *plan = NULL;
    if (!pg_plan_parse(arena, (const char *)data, size, &plan, &error))
        return 0;
    fettle_assert(pg_plan_shape_hash(plan) == pg_plan_shape_hash(plan));
    fettle_assert(pg_plan_format(arena, plan, true)[0] != '\0');
    return 0;
}
