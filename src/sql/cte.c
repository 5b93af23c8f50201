// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

static void
outputs_rename(Outputs *outputs, Node **names, size_t count)
{
    for (size_t i = 0; i < count && i < outputs->count; i++) {
        const char *name = node_string(names[i]);
        if (name != NULL)
            outputs->items[i].name = name;
    }
}

/* The planner inlines a SELECT that is asked for once, or where NOT MATERIALIZED says so. */
static bool
cte_is_inlined(const Analyzer *analyzer, const PgQuery__CommonTableExpr *expression)
{
    const size_t *count = map_get(analyzer->name_counts, expression->ctename);
    bool is_select = expression->ctequery != NULL &&
                     expression->ctequery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                     expression->ctequery->select_stmt->n_locking_clause == 0;
    if (!is_select || expression->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeAlways)
        return false;
    return expression->ctematerialized == PG_QUERY__CTEMATERIALIZE__CTEMaterializeNever ||
           (count != NULL && *count == 1);
}

/* A recursive one: its first arm gives the columns that the second arm, which reads it, sees. */
static void
cte_take_recursive(Analyzer *analyzer, Scope *scope, const PgQuery__CommonTableExpr *expression)
{
    const PgQuery__SelectStmt *select = expression->ctequery->select_stmt;
    Scope *inner = scope_new(analyzer, scope, SCOPE_FROM);
    with_take(analyzer, inner, select->with_clause);
    ScopeCte cte = {.name = expression->ctename};
    Outputs ignored = {0};
    query_select(analyzer, scope_new(analyzer, inner, SCOPE_FROM), select->larg, &cte.outputs);
    outputs_need(analyzer, &cte.outputs);
    outputs_rename(&cte.outputs, expression->aliascolnames, expression->n_aliascolnames);
    outputs_limit_reach(&cte.outputs, REACH_NONE);
    vector_push(analyzer->arena, &scope->ctes, cte);
    query_select(analyzer, scope_new(analyzer, inner, SCOPE_FROM), select->rarg, &ignored);
    outputs_need(analyzer, &ignored);
}

static void
cte_take(Analyzer *analyzer, Scope *scope, const PgQuery__CommonTableExpr *expression, bool is_recursive)
{
    Node *query = expression->ctequery;
    bool is_union = query != NULL && query->node_case == PG_QUERY__NODE__NODE_SELECT_STMT &&
                    query->select_stmt->op == PG_QUERY__SET_OPERATION__SETOP_UNION &&
                    query->select_stmt->larg != NULL && query->select_stmt->rarg != NULL;
    size_t *count = map_get(analyzer->name_counts, expression->ctename);
    if (is_recursive && is_union && count != NULL && *count > 1) {
        cte_take_recursive(analyzer, scope, expression);
        return;
    }
    ScopeCte cte = {.name = expression->ctename};
    query_analyze(analyzer, scope, SCOPE_FROM, query, &cte.outputs);
    outputs_rename(&cte.outputs, expression->aliascolnames, expression->n_aliascolnames);
    if (!cte_is_inlined(analyzer, expression))
        outputs_limit_reach(&cte.outputs, REACH_NONE);
    vector_push(analyzer->arena, &scope->ctes, cte);
}

void
with_take(Analyzer *analyzer, Scope *scope, const PgQuery__WithClause *with)
{
    for (size_t i = 0; with != NULL && i < with->n_ctes; i++)
        if (with->ctes[i]->node_case == PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR && analyzer_enter(analyzer)) {
            cte_take(analyzer, scope, with->ctes[i]->common_table_expr, with->recursive);
            analyzer_leave(analyzer);
        }
}
