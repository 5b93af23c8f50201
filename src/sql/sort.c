// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <math.h>
#include <string.h>

VECTOR_DEFINE(SortKeyList, SqlSortKey);

/* What ORDER BY 2, ORDER BY alias and GROUP BY alias stand for; the node itself otherwise. */
static Node *
sort_expression(const PgQuery__SelectStmt *select, Node *node)
{
    if (node == NULL)
        return NULL;
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
        int position = node->a_const->ival->ival;
        if (position < 1 || (size_t)position > select->n_target_list)
            return node;
        return select->target_list[position - 1]->res_target->val;
    }
    if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields != 1)
        return node;
    const char *name = node_string(node->column_ref->fields[0]);
    for (size_t i = 0; name != NULL && i < select->n_target_list; i++) {
        const PgQuery__ResTarget *target = select->target_list[i]->res_target;
        if (target->name[0] != '\0' && strcmp(target->name, name) == 0)
            return target->val;
    }
    return node;
}

static SqlSortKey
sort_key(Analyzer *analyzer, Scope *scope, Node *expression)
{
    Operand operand = operand_of(analyzer, scope, expression);
    return (SqlSortKey){
        .use = operand.target.use, .column = operand.target.attnum, .expression = operand.expression};
}

static void
sort_add(Analyzer *analyzer, SqlSort sort, const SortKeyList *keys)
{
    if (keys->count == 0)
        return;
    sort.keys = keys->items;
    sort.key_count = keys->count;
    vector_push(analyzer->arena, &analyzer->sorts, sort);
}

static void
sort_by_push(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, Node *node,
             SortKeyList *keys)
{
    if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_SORT_BY)
        return;
    const PgQuery__SortBy *sort_by = node->sort_by;
    SqlSortKey key = sort_key(analyzer, scope, sort_expression(select, sort_by->node));
    key.is_descending = sort_by->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
    key.is_nulls_first =
        sort_by->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
        (key.is_descending && sort_by->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST);
    vector_push(analyzer->arena, keys, key);
}

static void
sort_order(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select)
{
    SortKeyList keys = {0};
    for (size_t i = 0; i < select->n_sort_clause; i++)
        sort_by_push(analyzer, scope, select, select->sort_clause[i], &keys);
    SqlSort sort = {.kind = SQL_SORT_ORDER, .level = scope->level, .limit_rows = NAN};
    sort.has_limit = select->limit_count != NULL;
    if (sort.has_limit && select->limit_count->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        select->limit_count->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
        sort.limit_rows = select->limit_count->a_const->ival->ival;
    sort_add(analyzer, sort, &keys);
}

static void
sort_plain(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, SqlSortKind kind,
           Node **nodes, size_t count)
{
    SortKeyList keys = {0};
    for (size_t i = 0; i < count; i++) {
        Node *expression = kind == SQL_SORT_DISTINCT && nodes[i] != NULL &&
                                   nodes[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET
                               ? nodes[i]->res_target->val
                               : sort_expression(select, nodes[i]);
        /* A grouping set is no plain list of keys; an absent node is DISTINCT without ON. */
        if (expression == NULL || expression->node_case == PG_QUERY__NODE__NODE_GROUPING_SET ||
            expression->node_case == PG_QUERY__NODE__NODE__NOT_SET)
            return;
        SqlSortKey key = sort_key(analyzer, scope, expression);
        vector_push(analyzer->arena, &keys, key);
    }
    sort_add(analyzer, (SqlSort){.kind = kind, .level = scope->level, .limit_rows = NAN}, &keys);
}

static void
sort_distinct(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select)
{
    if (select->n_distinct_clause == 0)
        return;
    bool has_on = select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    if (has_on)
        sort_plain(analyzer, scope, select, SQL_SORT_DISTINCT, select->distinct_clause,
                   select->n_distinct_clause);
    else
        sort_plain(analyzer, scope, select, SQL_SORT_DISTINCT, select->target_list, select->n_target_list);
}

static void
sort_window(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select,
            const PgQuery__WindowDef *window)
{
    SortKeyList keys = {0};
    for (size_t i = 0; i < window->n_partition_clause; i++) {
        SqlSortKey key = sort_key(analyzer, scope, window->partition_clause[i]);
        vector_push(analyzer->arena, &keys, key);
    }
    for (size_t i = 0; i < window->n_order_clause; i++)
        sort_by_push(analyzer, scope, select, window->order_clause[i], &keys);
    sort_add(analyzer, (SqlSort){.kind = SQL_SORT_WINDOW, .level = scope->level, .limit_rows = NAN}, &keys);
}

void
sorts_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select)
{
    sort_order(analyzer, scope, select);
    sort_plain(analyzer, scope, select, SQL_SORT_GROUP, select->group_clause, select->n_group_clause);
    sort_distinct(analyzer, scope, select);
    for (size_t i = 0; i < select->n_window_clause; i++)
        if (select->window_clause[i]->node_case == PG_QUERY__NODE__NODE_WINDOW_DEF)
            sort_window(analyzer, scope, select, select->window_clause[i]->window_def);
    for (size_t i = 0; i < select->n_target_list; i++) {
        const Node *value = select->target_list[i]->res_target->val;
        if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
            value->func_call->over != NULL)
            sort_window(analyzer, scope, select, value->func_call->over);
    }
}
