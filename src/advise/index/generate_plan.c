// SPDX-License-Identifier: PostgreSQL
/*
 * Ideas from the plan: tables that the statement's text does not show, such as those behind a function that
 * the planner puts in the call's place, and conditions of a statement that could not be resolved whole.
 *
 * The plan's scans, conditions and sort keys are read as a statement of their own, "SELECT 1 FROM tables
 * WHERE conditions ORDER BY keys", and analysed as any other. What does not parse (sub-plans) is left out.
 * Columns that are only put out stand in no condition, so nothing covering is made of it.
 */
#include "advise/index/generate_internal.h"

#include "pg/identifier.h"
#include "snapshot/catalog.h"

#include <string.h>

#define PLAN_RELATIONS_MOST 32
#define PLAN_CONDITIONS_MOST 64
#define PLAN_TEXT_BYTES_MOST (32 * 1024)

typedef struct PlanReading {
    Generation *generation;
    const SqlAnalysis *known; /* of the statement's text */
    Text from;
    size_t relation_count;
    bool has_unknown; /* a table that the text does not show */
    TextList conditions;
    const TextList *sort_keys; /* of the first sort */
} PlanReading;

/* Plans name tables without their schema: the one of that name, NULL when there are several or none. */
static const SnapshotRelation *
relation_of_name(const Snapshot *snapshot, const char *name)
{
    const SnapshotRelation *found = NULL;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        if (!text_equals(relation->name, name))
            continue;
        if (found != NULL)
            return NULL;
        found = relation;
    }
    return found;
}

static bool
analysis_uses(const SqlAnalysis *analysis, const SnapshotRelation *relation)
{
    for (size_t i = 0; i < analysis->use_count; i++)
        if (analysis->uses[i].relation_id == relation->id)
            return true;
    return false;
}

static void
reading_take_relation(PlanReading *reading, const PgPlanNode *node)
{
    Arena *arena = reading->generation->arena;
    const SnapshotRelation *relation =
        relation_of_name(reading->generation->context->snapshot, node->relation);
    if (relation == NULL || relation->is_partition || reading->relation_count >= PLAN_RELATIONS_MOST)
        return;
    text_append_format(&reading->from, "%s%s AS %s", reading->relation_count == 0 ? "" : ", ",
                       pg_identifier_qualify(arena, relation->schema, relation->name),
                       pg_identifier_quote(arena, node->alias == NULL ? relation->name : node->alias));
    reading->relation_count++;
    reading->has_unknown = reading->has_unknown || !analysis_uses(reading->known, relation);
}

static void
plan_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    PlanReading *reading = context;
    const char *const conditions[] = {node->filter,         node->index_condition, node->join_filter,
                                      node->hash_condition, node->merge_condition, node->recheck_condition};
    if (node->relation != NULL)
        reading_take_relation(reading, node);
    for (size_t i = 0; i < FETTLE_COUNT_OF(conditions); i++)
        if (conditions[i] != NULL && reading->conditions.count < PLAN_CONDITIONS_MOST)
            vector_push(reading->generation->arena, &reading->conditions, conditions[i]);
    if (reading->sort_keys == NULL && node->sort_keys.count > 0)
        reading->sort_keys = &node->sort_keys;
}

static const SqlStatement *
reading_parse(const PlanReading *reading, const char *conditions, const char *order)
{
    Arena *arena = reading->generation->arena;
    const char *text =
        arena_printf(arena, "SELECT 1 FROM %s WHERE true%s%s", reading->from.data, conditions, order);
    return sql_statement_parse(arena, text, strlen(text));
}

static bool
is_parsed(const SqlStatement *statement)
{
    return sql_statement_kind(statement) == SQL_KIND_SELECT;
}

/* The sort keys of one sort; "" when they cannot stand in a statement. */
static const char *
reading_order(const PlanReading *reading)
{
    Text order = text_new(reading->generation->arena);
    for (size_t i = 0; reading->sort_keys != NULL && i < reading->sort_keys->count; i++)
        text_append_format(&order, "%s%s", i == 0 ? " ORDER BY " : ", ", reading->sort_keys->items[i]);
    return order.length > 0 && is_parsed(reading_parse(reading, "", order.data)) ? order.data : "";
}

const SqlAnalysis *
plan_analyze(Generation *generation, const WorkloadStatement *statement)
{
    PlanReading reading = {
        .generation = generation, .known = statement->analysis, .from = text_new(generation->arena)};
    if (statement->baseline_plan == NULL)
        return NULL;
    pg_plan_walk(statement->baseline_plan, plan_visit, &reading);
    bool is_whole = statement->analysis->unresolved_count == 0 && !statement->analysis->is_partial;
    if (reading.relation_count == 0 || (is_whole && !reading.has_unknown))
        return NULL;
    Text conditions = text_new(generation->arena);
    for (size_t i = 0; i < reading.conditions.count && conditions.length < PLAN_TEXT_BYTES_MOST; i++) {
        const char *condition = arena_printf(generation->arena, " AND (%s)", reading.conditions.items[i]);
        if (strlen(condition) < PLAN_TEXT_BYTES_MOST && is_parsed(reading_parse(&reading, condition, "")))
            text_append(&conditions, condition);
    }
    const SqlStatement *parsed = reading_parse(&reading, conditions.data, reading_order(&reading));
    return is_parsed(parsed) ? sql_analyze(generation->arena, parsed, generation_catalog(generation)) : NULL;
}
