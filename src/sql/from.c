// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

static void
entry_add(Analyzer *analyzer, Scope *scope, EntryKind kind, const PgQuery__Alias *alias, const char *name,
          OutputList outputs)
{
    ScopeEntry entry = {.kind = kind, .alias = name, .use = -1, .outputs = outputs};
    for (size_t i = 0; alias != NULL && i < alias->n_colnames; i++) {
        const char *column = node_string(alias->colnames[i]);
        vector_push(analyzer->arena, &entry.column_aliases, column == NULL ? "" : column);
    }
    vector_push(analyzer->arena, &scope->entries, entry);
}

static const char *
alias_or(const PgQuery__Alias *alias, const char *name)
{
    return alias != NULL && alias->aliasname[0] != '\0' ? alias->aliasname : name;
}

/* A view is its query, whose output columns are called as the view's columns are. */
static void
from_view(Analyzer *analyzer, Scope *scope, const PgQuery__RangeVar *range, const SqlCatalogRelation *view)
{
    OutputList outputs = {0};
    PgQuery__ParseResult *tree = NULL;
    if (analyzer->view_depth >= ANALYSIS_VIEW_DEPTH_MOST)
        analyzer->result->is_partial = true;
    else
        tree = sql_tree_parse(analyzer->arena, view->view_definition).tree;
    if (tree != NULL && tree->n_stmts == 1) {
        analyzer->view_depth++;
        query_analyze(analyzer, NULL, tree->stmts[0]->stmt, &outputs);
        analyzer->view_depth--;
    }
    for (size_t i = 0; i < outputs.count && i < view->column_count; i++)
        outputs.items[i].name = view->columns[i].name;
    entry_add(analyzer, scope, tree == NULL ? ENTRY_OPAQUE : ENTRY_SUBQUERY, range->alias,
              alias_or(range->alias, view->name), outputs);
}

static void
from_range_var(Analyzer *analyzer, Scope *scope, const PgQuery__RangeVar *range, bool is_nullable)
{
    bool has_schema = range->schemaname[0] != '\0';
    const ScopeCte *cte = has_schema ? NULL : scope_cte_find(scope, range->relname);
    if (cte != NULL) {
        entry_add(analyzer, scope, ENTRY_SUBQUERY, range->alias, alias_or(range->alias, range->relname),
                  cte->outputs);
        return;
    }
    const SqlCatalog *catalog = analyzer->catalog;
    const SqlCatalogRelation *relation =
        catalog->relation_find(catalog->context, has_schema ? range->schemaname : NULL, range->relname);
    if (relation == NULL) {
        bool is_system = text_equals(range->schemaname, "pg_catalog") ||
                         text_equals(range->schemaname, "information_schema") ||
                         (!has_schema && text_starts_with(range->relname, "pg_"));
        if (!is_system)
            analyzer_unresolved(analyzer, range->relname);
        entry_add(analyzer, scope, ENTRY_OPAQUE, range->alias, alias_or(range->alias, range->relname),
                  (OutputList){0});
        return;
    }
    if (relation->view_definition != NULL) {
        from_view(analyzer, scope, range, relation);
        return;
    }
    int use = scope_add_table(analyzer, scope, relation, range);
    if (use >= 0)
        analyzer->uses.items[use].use.is_nullable_side = is_nullable;
}

/* JOIN ... USING (c) and NATURAL JOIN: the nearest entries of both sides that have the column. */
static void
join_column(Analyzer *analyzer, Scope *scope, size_t left, size_t right, const char *name)
{
    ColumnTarget a = {-1, 0};
    ColumnTarget b = {-1, 0};
    for (size_t i = left; i < right && a.attnum == 0; i++)
        a = scope_entry_column(&scope->entries.items[i], name);
    for (size_t i = right; i < scope->entries.count && b.attnum == 0; i++)
        b = scope_entry_column(&scope->entries.items[i], name);
    predicate_join_add(analyzer, scope, a, b);
}

static void
join_natural(Analyzer *analyzer, Scope *scope, size_t left, size_t right)
{
    for (size_t i = right; i < scope->entries.count; i++) {
        const SqlCatalogRelation *relation = scope->entries.items[i].relation;
        for (size_t k = 0; relation != NULL && k < relation->column_count; k++)
            join_column(analyzer, scope, left, right, relation->columns[k].name);
    }
}

static void
from_join(Analyzer *analyzer, Scope *scope, const PgQuery__JoinExpr *join, bool is_nullable)
{
    bool left_nullable = is_nullable || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ||
                         join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    bool right_nullable = is_nullable || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT ||
                          join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    size_t left = scope->entries.count;
    from_take(analyzer, scope, join->larg, left_nullable);
    size_t right = scope->entries.count;
    from_take(analyzer, scope, join->rarg, right_nullable);
    for (size_t i = 0; i < join->n_using_clause; i++) {
        const char *name = node_string(join->using_clause[i]);
        if (name != NULL)
            join_column(analyzer, scope, left, right, name);
    }
    if (join->is_natural)
        join_natural(analyzer, scope, left, right);
    predicates_take(analyzer, scope, join->quals);
}

void
from_take(Analyzer *analyzer, Scope *scope, Node *item, bool is_nullable)
{
    if (item == NULL || !analyzer_enter(analyzer))
        return;
    OutputList outputs = {0};
    switch (item->node_case) {
        case PG_QUERY__NODE__NODE_RANGE_VAR:
            from_range_var(analyzer, scope, item->range_var, is_nullable);
            break;
        case PG_QUERY__NODE__NODE_JOIN_EXPR: from_join(analyzer, scope, item->join_expr, is_nullable); break;
        case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
            query_analyze(analyzer, scope, item->range_subselect->subquery, &outputs);
            entry_add(analyzer, scope, ENTRY_SUBQUERY, item->range_subselect->alias,
                      alias_or(item->range_subselect->alias, ""), outputs);
            break;
        case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
            expression_walk_list(analyzer, scope, item->range_function->functions,
                                 item->range_function->n_functions);
            entry_add(analyzer, scope, ENTRY_OPAQUE, item->range_function->alias,
                      alias_or(item->range_function->alias, ""), outputs);
            break;
        case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
            from_take(analyzer, scope, item->range_table_sample->relation, is_nullable);
            break;
        default:
            expression_walk(analyzer, scope, item);
            entry_add(analyzer, scope, ENTRY_OPAQUE, NULL, "", outputs);
    }
    analyzer_leave(analyzer);
}
