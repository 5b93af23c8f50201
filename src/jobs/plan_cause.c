// SPDX-License-Identifier: PostgreSQL
#include "jobs/plan_cause.h"

#include <string.h>

/* A table whose estimate moved by less is not told as a cause. */
#define GROWTH_FACTOR (4.0 / 3.0)

static const char *const planner_settings[] = {"constraint_exclusion",
                                               "cpu_index_tuple_cost",
                                               "cpu_operator_cost",
                                               "cpu_tuple_cost",
                                               "cursor_tuple_fraction",
                                               "default_statistics_target",
                                               "effective_cache_size",
                                               "from_collapse_limit",
                                               "geqo",
                                               "geqo_threshold",
                                               "hash_mem_multiplier",
                                               "jit",
                                               "jit_above_cost",
                                               "join_collapse_limit",
                                               "max_parallel_workers",
                                               "max_parallel_workers_per_gather",
                                               "min_parallel_index_scan_size",
                                               "min_parallel_table_scan_size",
                                               "parallel_setup_cost",
                                               "parallel_tuple_cost",
                                               "plan_cache_mode",
                                               "random_page_cost",
                                               "recursive_worktable_factor",
                                               "search_path",
                                               "seq_page_cost",
                                               "work_mem"};

typedef struct Names {
    Arena *arena;
    TextList list;
} Names;

static bool
names_have(const TextList *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

static void
index_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    Names *names = context;
    if (node->index != NULL && !names_have(&names->list, node->index))
        vector_push(names->arena, &names->list, node->index);
}

static void
relation_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    Names *names = context;
    if (node->relation != NULL && !names_have(&names->list, node->relation))
        vector_push(names->arena, &names->list, node->relation);
}

static TextList
plan_names(Arena *arena, const PgPlan *plan, PgPlanVisitor visit)
{
    Names names = {.arena = arena};
    pg_plan_walk(plan, visit, &names);
    return names.list;
}

static bool
snapshot_has_index(const Snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->index_count; i++)
        if (strcmp(snapshot->indexes[i].name, name) == 0)
            return true;
    return false;
}

static const RelationRow *
round_find(const RelationRound *round, const char *name)
{
    for (size_t i = 0; i < round->row_count; i++)
        if (strcmp(round->rows[i].relation_name, name) == 0)
            return &round->rows[i];
    return NULL;
}

static const char *
index_cause(Arena *arena, const PlanCauseInput *input)
{
    TextList before = plan_names(arena, input->before, index_visit);
    TextList now = plan_names(arena, input->now, index_visit);
    for (size_t i = 0; i < before.count; i++)
        if (!snapshot_has_index(input->snapshot, before.items[i]))
            return arena_printf(arena, "the index %s is gone", before.items[i]);
    for (size_t i = 0; i < now.count && input->relations_before != NULL; i++)
        if (!names_have(&before, now.items[i]) && round_find(input->relations_before, now.items[i]) == NULL)
            return arena_printf(arena, "the index %s is new", now.items[i]);
    return NULL;
}

static bool
setting_plans(const char *name)
{
    if (strncmp(name, "enable_", strlen("enable_")) == 0)
        return true;
    for (size_t i = 0; i < FETTLE_COUNT_OF(planner_settings); i++)
        if (strcmp(planner_settings[i], name) == 0)
            return true;
    return false;
}

static const char *
setting_cause(Arena *arena, const SettingChanges *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const SettingChange *change = &changes->items[i];
        if (change->old_value != NULL && change->new_value != NULL && setting_plans(change->name))
            return arena_printf(arena, "the setting %s was changed from %s to %s", change->name,
                                change->old_value, change->new_value);
    }
    return NULL;
}

static const char *
size_cause(Arena *arena, const PlanCauseInput *input)
{
    if (input->relations_before == NULL)
        return NULL;
    TextList names = plan_names(arena, input->now, relation_visit);
    for (size_t i = 0; i < names.count; i++) {
        const RelationRow *before = round_find(input->relations_before, names.items[i]);
        if (before == NULL || before->row_estimate < 1)
            continue;
        for (size_t k = 0; k < input->snapshot->relation_count; k++) {
            const SnapshotRelation *relation = &input->snapshot->relations[k];
            if (strcmp(relation->name, names.items[i]) != 0 ||
                strcmp(relation->schema, before->schema_name) != 0 || relation->reltuples < 1)
                continue;
            double factor = relation->reltuples / before->row_estimate;
            if (factor >= GROWTH_FACTOR || factor <= 1 / GROWTH_FACTOR)
                return arena_printf(arena, "the table %s went from about %.0f to %.0f rows", names.items[i],
                                    before->row_estimate, relation->reltuples);
        }
    }
    return NULL;
}

const char *
plan_cause_find(Arena *arena, const PlanCauseInput *input)
{
    const char *cause = index_cause(arena, input);
    if (cause == NULL)
        cause = setting_cause(arena, input->changes);
    return cause != NULL ? cause : size_cause(arena, input);
}
