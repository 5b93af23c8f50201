// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <string.h>

static void
query_with(Analyzer *analyzer, Scope *scope, const PgQuery__WithClause *with)
{
    for (size_t i = 0; with != NULL && i < with->n_ctes; i++) {
        if (with->ctes[i]->node_case != PG_QUERY__NODE__NODE_COMMON_TABLE_EXPR)
            continue;
        const PgQuery__CommonTableExpr *expression = with->ctes[i]->common_table_expr;
        ScopeCte cte = {.name = expression->ctename};
        /* A recursive one sees itself, with columns that are not known yet. */
        if (with->recursive)
            vector_push(analyzer->arena, &scope->ctes, cte);
        query_analyze(analyzer, scope, expression->ctequery, &cte.outputs);
        for (size_t k = 0; k < expression->n_aliascolnames && k < cte.outputs.count; k++) {
            const char *name = node_string(expression->aliascolnames[k]);
            cte.outputs.items[k].name = name == NULL ? "" : name;
        }
        if (with->recursive)
            scope->ctes.items[scope->ctes.count - 1] = cte;
        else
            vector_push(analyzer->arena, &scope->ctes, cte);
    }
}

static void
output_push(Analyzer *analyzer, OutputList *outputs, const char *name, ColumnTarget target)
{
    Output output = {.name = name, .target = target};
    vector_push(analyzer->arena, outputs, output);
}

static void
output_star(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference, OutputList *outputs)
{
    const char *alias =
        reference->n_fields < 2 ? NULL : node_string(reference->fields[reference->n_fields - 2]);
    for (size_t i = 0; i < scope->entries.count; i++) {
        const ScopeEntry *entry = &scope->entries.items[i];
        if (alias != NULL && strcmp(entry->alias, alias) != 0)
            continue;
        for (size_t k = 0; entry->relation != NULL && k < entry->relation->column_count; k++)
            output_push(analyzer, outputs, entry->relation->columns[k].name,
                        (ColumnTarget){entry->use, entry->relation->columns[k].attnum});
        for (size_t k = 0; k < entry->outputs.count; k++)
            output_push(analyzer, outputs, entry->outputs.items[k].name, entry->outputs.items[k].target);
    }
}

static bool
reference_is_star(const PgQuery__ColumnRef *reference)
{
    return reference->n_fields > 0 &&
           reference->fields[reference->n_fields - 1]->node_case == PG_QUERY__NODE__NODE_A_STAR;
}

static const char *
output_name(const PgQuery__ResTarget *target)
{
    if (target->name[0] != '\0')
        return target->name;
    const Node *value = target->val;
    const char *name = NULL;
    if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        value->column_ref->n_fields > 0)
        name = node_string(value->column_ref->fields[value->column_ref->n_fields - 1]);
    else if (value != NULL && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
             value->func_call->n_funcname > 0)
        name = node_string(value->func_call->funcname[value->func_call->n_funcname - 1]);
    return name == NULL ? "?column?" : name;
}

static void
query_targets(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, OutputList *outputs)
{
    for (size_t i = 0; i < select->n_target_list; i++) {
        const PgQuery__ResTarget *target = select->target_list[i]->res_target;
        Node *value = target->val;
        if (value == NULL || value->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) {
            expression_walk(analyzer, scope, value);
            output_push(analyzer, outputs, output_name(target), (ColumnTarget){-1, 0});
            continue;
        }
        ColumnTarget column = scope_resolve(analyzer, scope, value->column_ref);
        if (reference_is_star(value->column_ref))
            output_star(analyzer, scope, value->column_ref, outputs);
        else
            output_push(analyzer, outputs, output_name(target), column);
    }
}

void
query_select(Analyzer *analyzer, Scope *parent, const PgQuery__SelectStmt *select, OutputList *ret_outputs)
{
    if (!analyzer_enter(analyzer))
        return;
    Scope *scope = scope_new(analyzer, parent);
    query_with(analyzer, scope, select->with_clause);
    if (select->op > PG_QUERY__SET_OPERATION__SETOP_NONE) {
        OutputList ignored = {0};
        if (select->larg != NULL)
            query_select(analyzer, scope, select->larg, ret_outputs);
        if (select->rarg != NULL)
            query_select(analyzer, scope, select->rarg, &ignored);
        /* A condition on a set operation's output concerns every arm, not the first arm's column alone. */
        for (size_t i = 0; i < ret_outputs->count; i++)
            ret_outputs->items[i].target = (ColumnTarget){-1, 0};
    } else {
        for (size_t i = 0; i < select->n_from_clause; i++)
            from_take(analyzer, scope, select->from_clause[i], false);
        query_targets(analyzer, scope, select, ret_outputs);
        expression_walk_list(analyzer, scope, select->values_lists, select->n_values_lists);
        predicates_take(analyzer, scope, select->where_clause);
        expression_walk(analyzer, scope, select->having_clause);
        sorts_take(analyzer, scope, select);
        expression_walk(analyzer, scope, select->limit_count);
        expression_walk(analyzer, scope, select->limit_offset);
    }
    analyzer_leave(analyzer);
}

/* The written table's use; -1 when it is not known. */
static int
write_target(Analyzer *analyzer, Scope *scope, PgQuery__RangeVar *range)
{
    if (range == NULL)
        return -1;
    size_t before = analyzer->uses.count;
    Node node = {.node_case = PG_QUERY__NODE__NODE_RANGE_VAR};
    node.range_var = range;
    from_take(analyzer, scope, &node, false);
    if (analyzer->uses.count == before)
        return -1;
    analyzer->uses.items[before].use.is_write_target = true;
    return (int)before;
}

/* Columns named by SET or by INSERT's list; none named means all for INSERT. */
static void
write_columns(Analyzer *analyzer, int use, Node **targets, size_t count, bool all_when_none)
{
    if (use < 0)
        return;
    UseState *state = &analyzer->uses.items[use];
    const SqlCatalogRelation *relation = state->relation;
    int *columns = ARENA_NEW_ARRAY(analyzer->arena, int, relation->column_count + 1);
    size_t written = 0;
    for (size_t i = 0; i < relation->column_count; i++) {
        bool named = count == 0 && all_when_none;
        for (size_t k = 0; k < count && !named; k++)
            named = targets[k]->node_case == PG_QUERY__NODE__NODE_RES_TARGET &&
                    strcmp(targets[k]->res_target->name, relation->columns[i].name) == 0;
        if (named)
            columns[written++] = relation->columns[i].attnum;
    }
    state->use.written_columns = columns;
    state->use.written_column_count = written;
}

static void
query_insert(Analyzer *analyzer, Scope *parent, const PgQuery__InsertStmt *insert)
{
    Scope *scope = scope_new(analyzer, parent);
    OutputList ignored = {0};
    query_with(analyzer, scope, insert->with_clause);
    /* The source sees the CTEs, not the target. */
    query_analyze(analyzer, scope, insert->select_stmt, &ignored);
    int use = write_target(analyzer, scope, insert->relation);
    write_columns(analyzer, use, insert->cols, insert->n_cols, true);
    if (insert->on_conflict_clause != NULL) {
        ScopeEntry excluded = {.kind = ENTRY_OPAQUE, .alias = "excluded", .use = -1};
        vector_push(analyzer->arena, &scope->entries, excluded);
        expression_walk_list(analyzer, scope, insert->on_conflict_clause->target_list,
                             insert->on_conflict_clause->n_target_list);
        expression_walk(analyzer, scope, insert->on_conflict_clause->where_clause);
    }
    expression_walk_list(analyzer, scope, insert->returning_list, insert->n_returning_list);
}

static void
query_update(Analyzer *analyzer, Scope *parent, const PgQuery__UpdateStmt *update)
{
    Scope *scope = scope_new(analyzer, parent);
    query_with(analyzer, scope, update->with_clause);
    int use = write_target(analyzer, scope, update->relation);
    write_columns(analyzer, use, update->target_list, update->n_target_list, false);
    for (size_t i = 0; i < update->n_from_clause; i++)
        from_take(analyzer, scope, update->from_clause[i], false);
    expression_walk_list(analyzer, scope, update->target_list, update->n_target_list);
    predicates_take(analyzer, scope, update->where_clause);
    expression_walk_list(analyzer, scope, update->returning_list, update->n_returning_list);
}

static void
query_delete(Analyzer *analyzer, Scope *parent, const PgQuery__DeleteStmt *delete)
{
    Scope *scope = scope_new(analyzer, parent);
    query_with(analyzer, scope, delete->with_clause);
    (void)write_target(analyzer, scope, delete->relation);
    for (size_t i = 0; i < delete->n_using_clause; i++)
        from_take(analyzer, scope, delete->using_clause[i], false);
    predicates_take(analyzer, scope, delete->where_clause);
    expression_walk_list(analyzer, scope, delete->returning_list, delete->n_returning_list);
}

static void
query_merge(Analyzer *analyzer, Scope *parent, const PgQuery__MergeStmt *merge)
{
    Scope *scope = scope_new(analyzer, parent);
    query_with(analyzer, scope, merge->with_clause);
    (void)write_target(analyzer, scope, merge->relation);
    from_take(analyzer, scope, merge->source_relation, false);
    predicates_take(analyzer, scope, merge->join_condition);
    expression_walk_list(analyzer, scope, merge->merge_when_clauses, merge->n_merge_when_clauses);
}

void
query_analyze(Analyzer *analyzer, Scope *parent, Node *query, OutputList *ret_outputs)
{
    if (query == NULL || !analyzer_enter(analyzer))
        return;
    switch (query->node_case) {
        case PG_QUERY__NODE__NODE_SELECT_STMT:
            query_select(analyzer, parent, query->select_stmt, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_INSERT_STMT: query_insert(analyzer, parent, query->insert_stmt); break;
        case PG_QUERY__NODE__NODE_UPDATE_STMT: query_update(analyzer, parent, query->update_stmt); break;
        case PG_QUERY__NODE__NODE_DELETE_STMT: query_delete(analyzer, parent, query->delete_stmt); break;
        case PG_QUERY__NODE__NODE_MERGE_STMT: query_merge(analyzer, parent, query->merge_stmt); break;
        case PG_QUERY__NODE__NODE_EXPLAIN_STMT:
            query_analyze(analyzer, parent, query->explain_stmt->query, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_PREPARE_STMT:
            query_analyze(analyzer, parent, query->prepare_stmt->query, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
            query_analyze(analyzer, parent, query->create_table_as_stmt->query, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT:
            query_analyze(analyzer, parent, query->declare_cursor_stmt->query, ret_outputs);
            break;
        default: break;
    }
    analyzer_leave(analyzer);
}

static void
analysis_finish(Analyzer *analyzer)
{
    SqlAnalysis *result = analyzer->result;
    SqlRelationUse *uses = ARENA_NEW_ARRAY(analyzer->arena, SqlRelationUse, analyzer->uses.count);
    for (size_t i = 0; i < analyzer->uses.count; i++) {
        UseState *state = &analyzer->uses.items[i];
        int *needed = ARENA_NEW_ARRAY(analyzer->arena, int, (size_t)state->attnum_most + 1);
        for (int attnum = 1; attnum <= state->attnum_most; attnum++)
            if (state->needed[attnum])
                needed[state->use.needed_column_count++] = attnum;
        state->use.needed_columns = needed;
        uses[i] = state->use;
    }
    result->uses = uses;
    result->use_count = analyzer->uses.count;
    result->predicates = analyzer->predicates.items;
    result->predicate_count = analyzer->predicates.count;
    result->sorts = analyzer->sorts.items;
    result->sort_count = analyzer->sorts.count;
}

typedef struct AnalysisWork {
    Analyzer analyzer;
    const SqlStatement *statement;
} AnalysisWork;

static void
analysis_work(void *context)
{
    AnalysisWork *work = context;
    OutputList outputs = {0};
    query_analyze(&work->analyzer, NULL, work->statement->tree->stmts[0]->stmt, &outputs);
    analysis_finish(&work->analyzer);
}

const SqlAnalysis *
sql_analyze(Arena *arena, const SqlStatement *statement, const SqlCatalog *catalog)
{
    SqlAnalysis *result = ARENA_NEW(arena, SqlAnalysis);
    result->kind = statement->kind;
    AnalysisWork work = {.analyzer = {.arena = arena, .catalog = catalog, .result = result},
                         .statement = statement};
    if (statement->tree != NULL)
        sql_big_stack_run(analysis_work, &work);
    return result;
}

const char *
sql_predicate_kind_word(SqlPredicateKind kind)
{
    static const char *const words[] = {"equal",       "in",        "range",       "not_equal",    "is_null",
                                        "is_not_null", "boolean",   "like_prefix", "like_unknown", "like_any",
                                        "contains",    "full_text", "join",        "join_range",   "other"};
    fettle_assert((size_t)kind < FETTLE_COUNT_OF(words));
    return words[kind];
}
