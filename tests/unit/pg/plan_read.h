// SPDX-License-Identifier: PostgreSQL
#ifndef FETTLE_TESTS_PLAN_READ_H
#define FETTLE_TESTS_PLAN_READ_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/plan.h"

/* A plan that must be readable: EXPLAIN's whole document, or the object of the root alone. */
PgPlan *plan_read(Arena *arena, const char *text);
PgPlan *plan_read_root(Arena *arena, const char *root);

/* The refusal of a text that must not be. */
Error plan_refusal(const char *text, size_t length);

#endif
