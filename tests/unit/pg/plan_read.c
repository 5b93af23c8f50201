// SPDX-License-Identifier: PostgreSQL
#include "plan_read.h"

#include <string.h>

PgPlan *
plan_read(Arena *arena, const char *text)
{
    PgPlan *plan = NULL;
    Error error = {0};
    if (!pg_plan_parse(arena, text, strlen(text), &plan, &error))
        fail_msg("%s in %s", error.message, text);
    return plan;
}

PgPlan *
plan_read_root(Arena *arena, const char *root)
{
    return plan_read(arena, arena_printf(arena, "[{\"Plan\": %s}]", root));
}

Error
plan_refusal(const char *text, size_t length)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 30);
    PgPlan *plan = NULL;
    Error error = {0};
    assert_false(pg_plan_parse(arena, text, length, &plan, &error));
    assert_null(plan);
    assert_int_not_equal(error.code, ERROR_NONE);
    return error;
}
