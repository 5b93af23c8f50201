// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <math.h>
#include <string.h>

VECTOR_DEFINE(SortKeyList, SqlSortKey);

static const SqlSortKey key_of_nothing = {.use = -1};

static SqlSortKey
key_of_operand(const Operand *operand)
{
    bool is_sortable = operand_is_indexable(operand) && !operand->touch.is_outer &&
                       operand->touch.reach == REACH_JOIN && operand->arms == NULL;
    if (!is_sortable)
        return key_of_nothing;
    return (SqlSortKey){
        .use = operand->target.use, .column = operand->target.attnum, .expression = operand->expression};
}

static SqlSortKey
key_of_output(Analyzer *analyzer, const Scope *scope, const Output *output)
{
    output_need(analyzer, output);
    Operand operand = operand_of_target(analyzer, scope, output);
    return key_of_operand(&operand);
}

static SqlSortKey
key_of_expression(Analyzer *analyzer, Scope *scope, Node *expression)
{
    Operand operand = operand_of(analyzer, scope, expression);
    return key_of_operand(&operand);
}

static const char *
bare_name(const Node *node)
{
    bool is_bare = node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1;
    return is_bare ? node_string(node->column_ref->fields[0]) : NULL;
}

static const Output *
output_named(const Outputs *outputs, const char *name)
{
    for (size_t i = 0; name != NULL && i < outputs->count; i++)
        if (strcmp(outputs->items[i].name, name) == 0)
            return &outputs->items[i];
    return NULL;
}

/* ORDER BY: a position, an output's name, else an expression. GROUP BY: a name is a column of FROM first. */
static SqlSortKey
key_of(Analyzer *analyzer, Scope *scope, Node *node, const Outputs *outputs, bool is_group)
{
    if (outputs == NULL)
        return key_of_expression(analyzer, scope, node);
    bool is_position = node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                       node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL && !node->a_const->isnull;
    if (is_position) {
        int position = node->a_const->ival->ival;
        bool is_known = position >= 1 && (size_t)position <= outputs->count && !outputs->is_open;
        return is_known ? key_of_output(analyzer, scope, &outputs->items[position - 1]) : key_of_nothing;
    }
    const Output *output = output_named(outputs, bare_name(node));
    if (output != NULL && is_group) {
        ColumnKind kind = scope_lookup(analyzer, scope, node->column_ref).kind;
        if (kind == COLUMN_BASE || kind == COLUMN_OUTPUT)
            output = NULL;
    }
    return output != NULL ? key_of_output(analyzer, scope, output) : key_of_expression(analyzer, scope, node);
}

static void
sort_add(Analyzer *analyzer, SqlSort sort, const SortKeyList *keys)
{
    if (keys->count == 0)
        return;
    if (analyzer->sorts.count >= ANALYSIS_SORTS_MOST) {
        analyzer->result->is_partial = true;
        return;
    }
    sort.keys = keys->items;
    sort.key_count = keys->count;
    vector_push(analyzer->arena, &analyzer->sorts, sort);
}

static void
keys_push_sort_by(Analyzer *analyzer, Scope *scope, Node *node, const Outputs *outputs, SortKeyList *keys)
{
    if (node->node_case != PG_QUERY__NODE__NODE_SORT_BY || node->sort_by->node == NULL)
        return;
    const PgQuery__SortBy *sort_by = node->sort_by;
    SqlSortKey key = key_of(analyzer, scope, sort_by->node, outputs, false);
    const char *using_operator = names_last(sort_by->use_op, sort_by->n_use_op);
    key.is_descending = sort_by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ||
                        (using_operator != NULL && strcmp(using_operator, ">") == 0);
    key.is_nulls_first =
        sort_by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
        (key.is_descending && sort_by->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST);
    vector_push(analyzer->arena, keys, key);
}

static void
order_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, const Outputs *outputs)
{
    SortKeyList keys = {0};
    for (size_t i = 0; i < select->n_sort_clause; i++)
        keys_push_sort_by(analyzer, scope, select->sort_clause[i], outputs, &keys);
    const Node *limit = select->limit_count;
    /* LIMIT ALL and LIMIT NULL are none. */
    bool is_constant = limit != NULL && limit->node_case == PG_QUERY__NODE__NODE_A_CONST;
    SqlSort sort = {.kind = SQL_SORT_ORDER, .level = scope->level, .limit_rows = NAN};
    sort.has_limit = limit != NULL && !(is_constant && limit->a_const->isnull);
    if (sort.has_limit && is_constant && limit->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
        sort.limit_rows = limit->a_const->ival->ival;
    sort_add(analyzer, sort, &keys);
}

static void
group_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, const Outputs *outputs)
{
    SortKeyList keys = {0};
    bool is_plain = true;
    for (size_t i = 0; i < select->n_group_clause; i++) {
        Node *node = select->group_clause[i];
        if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
            /* No plain list of keys. */
            expression_walk(analyzer, scope, node);
            is_plain = false;
            continue;
        }
        SqlSortKey key = key_of(analyzer, scope, node, outputs, true);
        vector_push(analyzer->arena, &keys, key);
    }
    if (is_plain)
        sort_add(analyzer, (SqlSort){.kind = SQL_SORT_GROUP, .level = scope->level, .limit_rows = NAN},
                 &keys);
}

static void
distinct_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, const Outputs *outputs)
{
    if (select->n_distinct_clause == 0)
        return;
    SortKeyList keys = {0};
    bool has_on = select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    for (size_t i = 0; has_on && i < select->n_distinct_clause; i++) {
        SqlSortKey key = key_of(analyzer, scope, select->distinct_clause[i], outputs, false);
        vector_push(analyzer->arena, &keys, key);
    }
    for (size_t i = 0; !has_on && i < outputs->count; i++) {
        SqlSortKey key = key_of_output(analyzer, scope, &outputs->items[i]);
        vector_push(analyzer->arena, &keys, key);
    }
    sort_add(analyzer, (SqlSort){.kind = SQL_SORT_DISTINCT, .level = scope->level, .limit_rows = NAN}, &keys);
}

/* Keeps the columns that every window of the level is partitioned by: conditions on those go below the
 * windows. */
static void
window_note_partition(Analyzer *analyzer, Scope *scope, const SortKeyList *keys, size_t partition_count)
{
    TargetList common = {0};
    for (size_t i = 0; i < partition_count; i++) {
        const SqlSortKey *key = &keys->items[i];
        bool is_common = key->use >= 0 && key->column > 0 && !scope->has_window;
        for (size_t k = 0; k < scope->partitions.count; k++)
            is_common = is_common || (scope->partitions.items[k].use == key->use &&
                                      scope->partitions.items[k].attnum == key->column);
        if (is_common)
            vector_push(analyzer->arena, &common, ((ColumnTarget){key->use, key->column}));
    }
    scope->partitions = common;
    scope->has_window = true;
}

void
window_take(Analyzer *analyzer, Scope *scope, const PgQuery__WindowDef *window)
{
    SortKeyList keys = {0};
    bool is_reference = window->n_partition_clause == 0 && window->n_order_clause == 0 &&
                        (window->name[0] != '\0' || window->refname[0] != '\0');
    for (size_t i = 0; i < window->n_partition_clause; i++) {
        SqlSortKey key = key_of(analyzer, scope, window->partition_clause[i], NULL, false);
        vector_push(analyzer->arena, &keys, key);
    }
    for (size_t i = 0; i < window->n_order_clause; i++)
        keys_push_sort_by(analyzer, scope, window->order_clause[i], NULL, &keys);
    expression_walk(analyzer, scope, window->start_offset);
    expression_walk(analyzer, scope, window->end_offset);
    if (is_reference)
        return;
    window_note_partition(analyzer, scope, &keys, window->n_partition_clause);
    sort_add(analyzer, (SqlSort){.kind = SQL_SORT_WINDOW, .level = scope->level, .limit_rows = NAN}, &keys);
}

/* max(x) without GROUP BY is read from the end of an index, as ORDER BY x DESC LIMIT 1 is. */
static void
extreme_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select)
{
    bool is_plain = select->n_group_clause == 0 && select->having_clause == NULL &&
                    select->n_distinct_clause == 0 && scope->entries.count == 1 && !scope->has_window;
    for (size_t i = 0; is_plain && i < select->n_target_list; i++) {
        const Node *value = select->target_list[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET
                                ? select->target_list[i]->res_target->val
                                : NULL;
        const PgQuery__FuncCall *call =
            value != NULL && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ? value->func_call : NULL;
        const char *name = call == NULL ? NULL : names_last(call->funcname, call->n_funcname);
        is_plain = name != NULL && (strcmp(name, "max") == 0 || strcmp(name, "min") == 0) &&
                   call->n_args == 1 && call->agg_filter == NULL &&
                   call->args[0]->node_case == PG_QUERY__NODE__NODE_COLUMN_REF;
    }
    for (size_t i = 0; is_plain && i < select->n_target_list; i++) {
        const PgQuery__FuncCall *call = select->target_list[i]->res_target->val->func_call;
        SortKeyList keys = {0};
        SqlSortKey key = key_of_expression(analyzer, scope, call->args[0]);
        key.is_descending = strcmp(names_last(call->funcname, call->n_funcname), "max") == 0;
        key.is_nulls_first = key.is_descending;
        vector_push(analyzer->arena, &keys, key);
        if (key.use >= 0)
            sort_add(
                analyzer,
                (SqlSort){.kind = SQL_SORT_ORDER, .level = scope->level, .has_limit = true, .limit_rows = 1},
                &keys);
    }
}

void
sorts_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, const Outputs *outputs)
{
    order_take(analyzer, scope, select, outputs);
    group_take(analyzer, scope, select, outputs);
    distinct_take(analyzer, scope, select, outputs);
    for (size_t i = 0; i < select->n_window_clause; i++)
        expression_walk(analyzer, scope, select->window_clause[i]);
    extreme_take(analyzer, scope, select);
}
