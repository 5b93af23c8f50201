// SPDX-License-Identifier: PostgreSQL
#include "base/text.h"
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <string.h>

static void
entry_alias_columns(Analyzer *analyzer, ScopeEntry *entry, const PgQuery__Alias *alias)
{
    for (size_t i = 0; alias != NULL && i < alias->n_colnames; i++) {
        const char *column = node_string(alias->colnames[i]);
        vector_push(analyzer->arena, &entry->column_aliases, column == NULL ? "" : column);
    }
}

static const char *
alias_or(const PgQuery__Alias *alias, const char *name)
{
    return alias != NULL && alias->aliasname[0] != '\0' ? alias->aliasname : name;
}

static void
entry_add_subquery(Analyzer *analyzer, Scope *scope, const PgQuery__Alias *alias, const char *name,
                   Outputs outputs)
{
    ScopeEntry entry = {
        .kind = ENTRY_SUBQUERY, .alias = alias_or(alias, name), .use = -1, .outputs = outputs};
    entry.is_open = outputs.is_open;
    entry_alias_columns(analyzer, &entry, alias);
    vector_push(analyzer->arena, &scope->entries, entry);
}

static void
entry_add_opaque(Analyzer *analyzer, Scope *scope, const PgQuery__Alias *alias, const char *name,
                 bool is_open)
{
    ScopeEntry entry = {.kind = ENTRY_OPAQUE, .alias = alias_or(alias, name), .use = -1, .is_open = is_open};
    entry_alias_columns(analyzer, &entry, alias);
    vector_push(analyzer->arena, &scope->entries, entry);
}

typedef struct ViewQuery {
    Outputs outputs;
    bool is_known;
} ViewQuery;

/* A view is its query; that sees no names around it. */
static ViewQuery
view_query(Analyzer *analyzer, const Scope *scope, const SqlCatalogRelation *view)
{
    ViewQuery query = {0};
    bool is_bounded = analyzer->view_depth < ANALYSIS_VIEW_DEPTH_MOST &&
                      analyzer->view_count < ANALYSIS_VIEWS_MOST &&
                      strlen(view->view_definition) <= SQL_STATEMENT_BYTES_MOST;
    PgQuery__ParseResult *tree = NULL;
    if (is_bounded)
        tree = sql_tree_parse(analyzer->arena, view->view_definition).tree;
    if (tree == NULL || tree->n_stmts != 1 || tree->stmts[0]->stmt == NULL ||
        tree->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
        analyzer->result->is_partial = true;
        return query;
    }
    analyzer->view_depth++;
    analyzer->view_count++;
    Scope *inner = scope_new(analyzer, NULL, SCOPE_FROM);
    inner->depth = scope->depth + 1;
    inner->is_nullable = scope->is_nullable;
    Touch *touch = analyzer->touch;
    analyzer->touch = NULL;
    query_count_names(analyzer, &tree->base);
    query_select(analyzer, inner, tree->stmts[0]->stmt->select_stmt, &query.outputs);
    analyzer->touch = touch;
    analyzer->view_depth--;
    for (size_t i = 0; i < query.outputs.count && i < view->column_count; i++)
        query.outputs.items[i].name = view->columns[i].name;
    query.is_known = true;
    return query;
}

static bool
is_system_relation(const PgQuery__RangeVar *range)
{
    return text_equals(range->schemaname, "pg_catalog") ||
           text_equals(range->schemaname, "information_schema") ||
           (range->schemaname[0] == '\0' && text_starts_with(range->relname, "pg_"));
}

static void
from_range_var(Analyzer *analyzer, Scope *scope, const PgQuery__RangeVar *range, bool is_nullable)
{
    bool has_schema = range->schemaname[0] != '\0';
    const ScopeCte *cte = has_schema ? NULL : scope_cte_find(scope, range->relname);
    if (cte != NULL) {
        entry_add_subquery(analyzer, scope, range->alias, range->relname, cte->outputs);
        return;
    }
    const SqlCatalog *catalog = analyzer->catalog;
    const SqlCatalogRelation *relation =
        catalog->relation_find(catalog->context, has_schema ? range->schemaname : NULL, range->relname);
    if (relation == NULL) {
        if (!is_system_relation(range))
            analyzer_unresolved(analyzer, range->relname);
        entry_add_opaque(analyzer, scope, range->alias, range->relname, true);
        return;
    }
    if (relation->view_definition != NULL) {
        bool was_nullable = scope->is_nullable;
        scope->is_nullable = is_nullable;
        ViewQuery view = view_query(analyzer, scope, relation);
        scope->is_nullable = was_nullable;
        if (view.is_known)
            entry_add_subquery(analyzer, scope, range->alias, relation->name, view.outputs);
        else
            entry_add_opaque(analyzer, scope, range->alias, relation->name, true);
        return;
    }
    int use = scope_add_table(analyzer, scope, relation, range);
    if (use >= 0)
        analyzer->uses.items[use].use.is_nullable_side = is_nullable;
    else
        entry_add_opaque(analyzer, scope, range->alias, relation->name, true);
}

static void
from_subselect(Analyzer *analyzer, Scope *scope, const PgQuery__RangeSubselect *item, bool is_nullable)
{
    Outputs outputs = {0};
    /* LATERAL with LIMIT or a sum is run per row: what it reads of the others are values to it. */
    bool is_value = item->lateral && !query_is_pulled_up(item->subquery);
    Scope *inner = scope_new(analyzer, scope, is_value ? SCOPE_VALUE : SCOPE_FROM);
    inner->is_nullable = is_nullable;
    /* Without LATERAL it does not see the items before it. */
    if (!item->lateral)
        inner->names_parent = scope->names_parent;
    if (item->subquery != NULL && item->subquery->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
        query_select(analyzer, inner, item->subquery->select_stmt, &outputs);
    entry_add_subquery(analyzer, scope, item->alias, "", outputs);
}

/* The only function of the item; NULL when there are several. */
static const PgQuery__FuncCall *
only_function(const PgQuery__RangeFunction *item)
{
    if (item->n_functions != 1 || item->functions[0]->node_case != PG_QUERY__NODE__NODE_LIST)
        return NULL;
    const PgQuery__List *list = item->functions[0]->list;
    bool is_call = list->n_items > 0 && list->items[0]->node_case == PG_QUERY__NODE__NODE_FUNC_CALL;
    return is_call ? list->items[0]->func_call : NULL;
}

static void
from_function(Analyzer *analyzer, Scope *scope, const PgQuery__RangeFunction *item)
{
    for (size_t i = 0; i < item->n_functions; i++) {
        Node *function = item->functions[i];
        if (function->node_case == PG_QUERY__NODE__NODE_LIST && function->list->n_items > 0)
            expression_walk(analyzer, scope, function->list->items[0]);
    }
    const PgQuery__FuncCall *call = only_function(item);
    const char *name = call == NULL ? NULL : names_last(call->funcname, call->n_funcname);
    bool has_columns = item->alias != NULL && item->alias->n_colnames > 0;
    bool is_scalar = name != NULL && function_returns_set(name) && strstr(name, "each") == NULL &&
                     strstr(name, "recordset") == NULL;
    ScopeEntry entry = {
        .kind = ENTRY_OPAQUE, .alias = alias_or(item->alias, name == NULL ? "" : name), .use = -1};
    entry.is_open = !has_columns && !is_scalar && item->n_coldeflist == 0;
    entry_alias_columns(analyzer, &entry, item->alias);
    for (size_t i = 0; i < item->n_coldeflist; i++)
        if (item->coldeflist[i]->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF)
            vector_push(analyzer->arena, &entry.column_aliases, item->coldeflist[i]->column_def->colname);
    vector_push(analyzer->arena, &scope->entries, entry);
}

/* A merged column's output: of the side whose rows all stay. */
static Output
merged_output(const Analyzer *analyzer, const Column *column, const char *name)
{
    if (column->kind == COLUMN_BASE)
        return output_of_base(analyzer, name, column->target);
    if (column->kind == COLUMN_OUTPUT) {
        Output output = *column->output;
        output.name = name;
        return output;
    }
    return (Output){.name = name, .target = {-1, 0}, .reach = REACH_NONE, .star_use = -1};
}

typedef struct JoinSides {
    size_t first;  /* entry of the left side */
    size_t middle; /* of the right side */
    size_t past;
    PgQuery__JoinType type;
} JoinSides;

/* JOIN ... USING (c) and NATURAL JOIN: c = c, and one column c from there on. */
static void
join_merge(Analyzer *analyzer, Scope *scope, const JoinSides *sides, const char *name)
{
    Column left = scope_lookup_within(analyzer, scope, sides->first, sides->middle, name);
    Column right = scope_lookup_within(analyzer, scope, sides->middle, sides->past, name);
    Output first = merged_output(analyzer, &left, name);
    Output second = merged_output(analyzer, &right, name);
    predicate_join_add(analyzer, scope, &first, &second);
    Output merged = sides->type == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? second : first;
    if (sides->type == PG_QUERY__JOIN_TYPE__JOIN_FULL) {
        TargetList reads = {0};
        if (first.target.use >= 0)
            vector_push(analyzer->arena, &reads, first.target);
        if (second.target.use >= 0)
            vector_push(analyzer->arena, &reads, second.target);
        merged =
            (Output){.name = name, .target = {-1, 0}, .reads = reads, .reach = REACH_NONE, .star_use = -1};
    }
    ScopeMerge merge = {.output = merged, .first_entry = sides->first, .past_entry = sides->past};
    /* Merges of the sides under this name are this one now. */
    size_t kept = 0;
    for (size_t i = 0; i < scope->merges.count; i++) {
        const ScopeMerge *known = &scope->merges.items[i];
        bool is_within = known->first_entry >= sides->first && strcmp(known->output.name, name) == 0;
        if (!is_within)
            scope->merges.items[kept++] = *known;
    }
    scope->merges.count = kept;
    vector_push(analyzer->arena, &scope->merges, merge);
}

static void
join_natural(Analyzer *analyzer, Scope *scope, const JoinSides *sides)
{
    Outputs right = {0};
    outputs_of_entries(analyzer, scope, sides->middle, sides->past, &right);
    for (size_t i = 0; i < right.count; i++) {
        Column left = scope_lookup_within(analyzer, scope, sides->first, sides->middle, right.items[i].name);
        if (left.kind != COLUMN_UNKNOWN)
            join_merge(analyzer, scope, sides, right.items[i].name);
    }
}

/* ON sees the sides of its join only. */
static void
join_on(Analyzer *analyzer, Scope *scope, const JoinSides *sides, Node *condition, const UseSet *preserved)
{
    size_t first_visible = scope->first_visible;
    scope->first_visible = sides->first;
    predicates_take_on(analyzer, scope, condition, preserved);
    scope->first_visible = first_visible;
}

/* (a JOIN b ...) AS j: only j's columns can be named from there on. */
static void
join_alias(Analyzer *analyzer, Scope *scope, const JoinSides *sides, const PgQuery__Alias *alias)
{
    Outputs outputs = {0};
    outputs_of_entries(analyzer, scope, sides->first, sides->past, &outputs);
    for (size_t i = sides->first; i < sides->past; i++)
        scope->entries.items[i].is_hidden = true;
    size_t kept = 0;
    for (size_t i = 0; i < scope->merges.count; i++)
        if (scope->merges.items[i].first_entry < sides->first)
            scope->merges.items[kept++] = scope->merges.items[i];
    scope->merges.count = kept;
    entry_add_subquery(analyzer, scope, alias, "", outputs);
}

static void
uses_collect(UseSet *set, size_t first, size_t past)
{
    for (size_t use = first; use < past; use++)
        use_set_add(set, (int)use);
}

static void
from_join(Analyzer *analyzer, Scope *scope, const PgQuery__JoinExpr *join, bool is_nullable)
{
    bool keeps_left =
        join->jointype == PG_QUERY__JOIN_TYPE__JOIN_LEFT || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    bool keeps_right =
        join->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT || join->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL;
    size_t left_use = analyzer->uses.count;
    JoinSides sides = {.first = scope->entries.count, .type = join->jointype};
    from_take(analyzer, scope, join->larg, is_nullable || keeps_right);
    sides.middle = scope->entries.count;
    size_t right_use = analyzer->uses.count;
    from_take(analyzer, scope, join->rarg, is_nullable || keeps_left);
    sides.past = scope->entries.count;
    UseSet preserved = {0};
    if (keeps_left)
        uses_collect(&preserved, left_use, right_use);
    if (keeps_right)
        uses_collect(&preserved, right_use, analyzer->uses.count);
    for (size_t i = 0; i < join->n_using_clause; i++) {
        const char *name = node_string(join->using_clause[i]);
        if (name != NULL)
            join_merge(analyzer, scope, &sides, name);
    }
    if (join->is_natural)
        join_natural(analyzer, scope, &sides);
    join_on(analyzer, scope, &sides, join->quals, &preserved);
    if (join->alias != NULL && join->alias->aliasname[0] != '\0')
        join_alias(analyzer, scope, &sides, join->alias);
}

void
from_take(Analyzer *analyzer, Scope *scope, Node *item, bool is_nullable)
{
    if (item == NULL || !analyzer_enter(analyzer))
        return;
    is_nullable = is_nullable || scope->is_nullable;
    switch (item->node_case) {
        case PG_QUERY__NODE__NODE_RANGE_VAR:
            from_range_var(analyzer, scope, item->range_var, is_nullable);
            break;
        case PG_QUERY__NODE__NODE_JOIN_EXPR: from_join(analyzer, scope, item->join_expr, is_nullable); break;
        case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
            from_subselect(analyzer, scope, item->range_subselect, is_nullable);
            break;
        case PG_QUERY__NODE__NODE_RANGE_FUNCTION: from_function(analyzer, scope, item->range_function); break;
        case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
            from_take(analyzer, scope, item->range_table_sample->relation, is_nullable);
            expression_walk_list(analyzer, scope, item->range_table_sample->args,
                                 item->range_table_sample->n_args);
            break;
        case PG_QUERY__NODE__NODE_RANGE_TABLE_FUNC:
            expression_walk(analyzer, scope, item->range_table_func->docexpr);
            expression_walk(analyzer, scope, item->range_table_func->rowexpr);
            entry_add_opaque(analyzer, scope, item->range_table_func->alias, "xmltable", true);
            break;
        default: entry_add_opaque(analyzer, scope, NULL, "", true);
    }
    analyzer_leave(analyzer);
}
