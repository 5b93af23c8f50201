// SPDX-License-Identifier: PostgreSQL
#include "pg/plan.h"

#include "base/hash.h"

#include <math.h>
#include <string.h>

static uint64_t
shape_add(uint64_t hash, const char *text)
{
    return hash_combine(hash, text == NULL ? 0 : hash_bytes(text, strlen(text), 1));
}

static uint64_t
shape_of(const PgPlanNode *node)
{
    uint64_t hash = shape_add(node->children.count, node->node_type);
    hash = shape_add(hash, node->parent_relationship);
    hash = shape_add(hash, node->join_type);
    hash = shape_add(hash, node->strategy);
    hash = shape_add(hash, node->partial_mode);
    hash = shape_add(hash, node->relation);
    hash = shape_add(hash, node->alias);
    hash = shape_add(hash, node->index);
    hash = shape_add(hash, node->scan_direction);
    for (size_t i = 0; i < node->children.count; i++)
        hash = hash_combine(hash, shape_of(node->children.items[i]));
    return hash;
}

uint64_t
pg_plan_shape_hash(const PgPlan *plan)
{
    return shape_of(plan->root);
}

static bool
figure_equals(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool
node_is_identical(const PgPlanNode *a, const PgPlanNode *b)
{
    if (!figure_equals(a->startup_cost, b->startup_cost) || !figure_equals(a->total_cost, b->total_cost) ||
        !figure_equals(a->plan_rows, b->plan_rows) || !figure_equals(a->plan_width, b->plan_width) ||
        !figure_equals(a->workers_planned, b->workers_planned) || a->children.count != b->children.count)
        return false;
    for (size_t i = 0; i < a->children.count; i++)
        if (!node_is_identical(a->children.items[i], b->children.items[i]))
            return false;
    return true;
}

bool
pg_plan_is_identical(const PgPlan *a, const PgPlan *b)
{
    return pg_plan_shape_hash(a) == pg_plan_shape_hash(b) && node_is_identical(a->root, b->root);
}
