// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

Output
output_of_base(const Analyzer *analyzer, const char *name, ColumnTarget target)
{
    (void)analyzer;
    return (Output){.name = name, .target = target, .reach = REACH_JOIN, .star_use = -1};
}

void
output_push(Analyzer *analyzer, Outputs *outputs, Output output)
{
    if (analyzer->output_count >= ANALYSIS_OUTPUTS_MOST) {
        analyzer->result->is_partial = true;
        outputs->is_open = true;
        return;
    }
    analyzer->output_count++;
    vector_push(analyzer->arena, outputs, output);
}

static const char *
aliased(const ScopeEntry *entry, size_t position, const char *name)
{
    return position < entry->column_aliases.count ? entry->column_aliases.items[position] : name;
}

void
outputs_of_entry(Analyzer *analyzer, const ScopeEntry *entry, Outputs *outputs)
{
    for (size_t i = 0; entry->kind == ENTRY_TABLE && i < entry->relation->column_count; i++) {
        const SqlCatalogColumn *column = &entry->relation->columns[i];
        Output output = output_of_base(analyzer, aliased(entry, i, column->name),
                                       (ColumnTarget){entry->use, column->attnum});
        output.star_use = entry->use;
        output_push(analyzer, outputs, output);
    }
    for (size_t i = 0; entry->kind != ENTRY_TABLE && i < entry->outputs.count; i++) {
        Output output = entry->outputs.items[i];
        output.name = aliased(entry, i, output.name);
        output_push(analyzer, outputs, output);
    }
    if (entry->kind == ENTRY_OPAQUE || entry->outputs.is_open)
        outputs->is_open = true;
}

static bool
is_merged(const Scope *scope, size_t number, const char *name)
{
    for (size_t i = 0; i < scope->merges.count; i++) {
        const ScopeMerge *merge = &scope->merges.items[i];
        if (number >= merge->first_entry && number < merge->past_entry &&
            strcmp(merge->output.name, name) == 0)
            return true;
    }
    return false;
}

/* One entry's columns, without those that USING merged. */
static void
outputs_of_entry_but(Analyzer *analyzer, const Scope *scope, size_t number, Outputs *outputs)
{
    const ScopeEntry *entry = &scope->entries.items[number];
    if (scope->merges.count == 0) {
        outputs_of_entry(analyzer, entry, outputs);
        return;
    }
    Outputs all = {0};
    outputs_of_entry(analyzer, entry, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!is_merged(scope, number, all.items[i].name))
            output_push(analyzer, outputs, all.items[i]);
    outputs->is_open = outputs->is_open || all.is_open;
}

void
outputs_of_entries(Analyzer *analyzer, const Scope *scope, size_t first, size_t past, Outputs *outputs)
{
    for (size_t i = 0; i < scope->merges.count; i++) {
        const ScopeMerge *merge = &scope->merges.items[i];
        if (merge->first_entry >= first && merge->past_entry <= past)
            output_push(analyzer, outputs, merge->output);
    }
    for (size_t i = first; i < past; i++)
        if (!scope->entries.items[i].is_hidden)
            outputs_of_entry_but(analyzer, scope, i, outputs);
}

/* t.*, or * */
static void
outputs_of_star(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference, Outputs *outputs)
{
    if (reference->n_fields < 2) {
        outputs_of_entries(analyzer, scope, 0, scope->entries.count, outputs);
        return;
    }
    const char *alias = node_string(reference->fields[reference->n_fields - 2]);
    for (const Scope *level = scope; level != NULL && alias != NULL; level = level->names_parent)
        for (size_t i = 0; i < level->entries.count; i++) {
            const ScopeEntry *entry = &level->entries.items[i];
            if (!entry->is_hidden && strcmp(entry->alias, alias) == 0) {
                outputs_of_entry(analyzer, entry, outputs);
                return;
            }
        }
    outputs->is_open = true;
    if (alias != NULL)
        analyzer_unresolved(analyzer, alias);
}

/* The name that PostgreSQL gives an output column. */
static const char *
target_name(const PgQuery__ResTarget *target)
{
    const Node *value = target->val;
    while (value != NULL && value->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
           value->type_cast->arg != NULL) {
        const Node *inside = value->type_cast->arg;
        bool is_named = inside->node_case == PG_QUERY__NODE__NODE_COLUMN_REF ||
                        inside->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ||
                        inside->node_case == PG_QUERY__NODE__NODE_TYPE_CAST;
        if (!is_named)
            return names_last(value->type_cast->type_name->names, value->type_cast->type_name->n_names);
        value = inside;
    }
    if (value == NULL)
        return NULL;
    switch (value->node_case) {
        case PG_QUERY__NODE__NODE_COLUMN_REF:
            return names_last(value->column_ref->fields, value->column_ref->n_fields);
        case PG_QUERY__NODE__NODE_FUNC_CALL:
            return names_last(value->func_call->funcname, value->func_call->n_funcname);
        case PG_QUERY__NODE__NODE_COALESCE_EXPR: return "coalesce";
        case PG_QUERY__NODE__NODE_CASE_EXPR: return "case";
        case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return "array";
        case PG_QUERY__NODE__NODE_SUB_LINK:
            return value->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK ? "exists"
                                                                                             : NULL;
        default: return NULL;
    }
}

/* Collects what a target reads instead of marking it: it is needed only when somebody reads the target. */
static Operand
target_operand(Analyzer *analyzer, Scope *scope, Node *value, TargetList *reads)
{
    TargetList *collection = analyzer->collection;
    TargetList collected = {0};
    analyzer->collection = &collected;
    analyzer->collection_number++;
    Operand operand = operand_of(analyzer, scope, value);
    /* Once more through a collection of its own: subqueries within have begun others meanwhile. */
    analyzer->collection = reads;
    analyzer->collection_number++;
    for (size_t i = 0; i < collected.count; i++)
        use_need(analyzer, collected.items[i]);
    analyzer->collection = collection;
    analyzer->collection_number++;
    return operand;
}

static void
output_of_target(Analyzer *analyzer, Scope *scope, const PgQuery__ResTarget *target, Outputs *outputs)
{
    Output output = {.target = {-1, 0}, .reach = REACH_NONE, .star_use = -1};
    const char *name = target->name[0] != '\0' ? target->name : target_name(target);
    output.name = name == NULL ? "?column?" : name;
    Operand operand = target_operand(analyzer, scope, target->val, &output.reads);
    bool is_local = !operand.touch.is_outer && !operand.touch.is_derived;
    if (operand.kind == OPERAND_COLUMN && is_local) {
        output.target = operand.target;
        output.arms = operand.arms;
        output.reach = operand.touch.reach;
    } else if (operand.kind == OPERAND_EXPRESSION && is_local && operand.touch.reach == REACH_JOIN) {
        output.expression = arena_memdup(analyzer->arena, &operand, sizeof operand);
        output.reach = REACH_JOIN;
    } else if (operand.kind == OPERAND_COLUMN && operand.touch.reach == REACH_FILTER &&
               !operand.touch.is_outer) {
        output.target = operand.target;
        output.arms = operand.arms;
        output.reach = REACH_FILTER;
    }
    output_push(analyzer, outputs, output);
}

void
outputs_of_targets(Analyzer *analyzer, Scope *scope, Node **targets, size_t count, Outputs *outputs)
{
    for (size_t i = 0; i < count; i++) {
        if (targets[i]->node_case != PG_QUERY__NODE__NODE_RES_TARGET)
            continue;
        const PgQuery__ResTarget *target = targets[i]->res_target;
        bool is_reference = target->val != NULL && target->val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
        if (is_reference && reference_is_star(target->val->column_ref))
            outputs_of_star(analyzer, scope, target->val->column_ref, outputs);
        else
            output_of_target(analyzer, scope, target, outputs);
    }
}

void
outputs_limit_reach(Outputs *outputs, Reach most)
{
    for (size_t i = 0; i < outputs->count; i++)
        if (outputs->items[i].reach > most)
            outputs->items[i].reach = most;
}

void
output_need(Analyzer *analyzer, const Output *output)
{
    if (output->reads.count == 0)
        use_need(analyzer, output->target);
    for (size_t i = 0; i < output->reads.count; i++)
        use_need(analyzer, output->reads.items[i]);
    analyzer->steps += output->reads.count / 64;
}

void
outputs_need(Analyzer *analyzer, const Outputs *outputs)
{
    int star_use = -1;
    for (size_t i = 0; i < outputs->count; i++) {
        output_need(analyzer, &outputs->items[i]);
        if (outputs->items[i].star_use >= 0 && outputs->items[i].star_use != star_use) {
            star_use = outputs->items[i].star_use;
            use_need_all(analyzer, star_use);
        }
    }
}
