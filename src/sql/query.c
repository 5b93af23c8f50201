// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <string.h>

static bool
count_visit(const ProtobufCMessage *message, void *context)
{
    Analyzer *analyzer = context;
    if (message->descriptor == &pg_query__range_var__descriptor) {
        const PgQuery__RangeVar *range = (const PgQuery__RangeVar *)message;
        size_t *count = map_get(analyzer->name_counts, range->relname);
        if (count == NULL) {
            count = ARENA_NEW(analyzer->arena, size_t);
            map_put(analyzer->name_counts, range->relname, count);
        }
        *count += range->schemaname[0] == '\0';
    }
    return true;
}

void
query_count_names(Analyzer *analyzer, const ProtobufCMessage *tree)
{
    sql_tree_walk(tree, count_visit, analyzer);
}

VECTOR_DEFINE(SelectList, const PgQuery__SelectStmt *);

typedef struct SetArms {
    SelectList arms; /* last first */
    bool is_all;     /* UNION ALL only */
    bool has_except;
} SetArms;

/* A chain of set operations leans to the left and may be thousands long: a loop takes it apart. */
static SetArms
set_arms(Analyzer *analyzer, const PgQuery__SelectStmt *select)
{
    SetArms set = {.is_all = true};
    for (const PgQuery__SelectStmt *node = select;; node = node->larg) {
        set.is_all = set.is_all && node->op == PG_QUERY__SET_OPERATION__SETOP_UNION && node->all;
        set.has_except = set.has_except || node->op == PG_QUERY__SET_OPERATION__SETOP_EXCEPT;
        if (node->rarg != NULL)
            vector_push(analyzer->arena, &set.arms, node->rarg);
        const PgQuery__SelectStmt *left = node->larg;
        if (left == NULL)
            return set;
        bool is_plain_chain = left->op > PG_QUERY__SET_OPERATION__SETOP_NONE && left->with_clause == NULL &&
                              left->n_sort_clause == 0 && left->limit_count == NULL &&
                              left->limit_offset == NULL;
        if (!is_plain_chain) {
            vector_push(analyzer->arena, &set.arms, left);
            return set;
        }
    }
}

/* One arm's column joins the columns of the arms before. */
static void
output_merge_arm(Analyzer *analyzer, Output *output, TargetList *arms, const Output *arm)
{
    output->reach = arm->reach < output->reach ? arm->reach : output->reach;
    output->star_use = -1;
    output->expression = NULL;
    if (output->reads.count == 0 && output->target.use >= 0)
        vector_push(analyzer->arena, &output->reads, output->target);
    if (arm->reads.count == 0 && arm->target.use >= 0)
        vector_push(analyzer->arena, &output->reads, arm->target);
    for (size_t i = 0; i < arm->reads.count; i++)
        vector_push(analyzer->arena, &output->reads, arm->reads.items[i]);
    if (arm->target.use >= 0)
        vector_push(analyzer->arena, arms, arm->target);
    for (size_t i = 0; arm->arms != NULL && i < arm->arms->count; i++)
        vector_push(analyzer->arena, arms, arm->arms->items[i]);
}

static void
query_set(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, Outputs *outputs)
{
    SetArms set = set_arms(analyzer, select);
    TargetList *arms = NULL;
    for (size_t i = set.arms.count; i > 0; i--) {
        Outputs arm = {0};
        /* A subquery of a condition that is a set operation is never made a join. */
        Scope *inner = scope_new(analyzer, scope, scope->kind == SCOPE_SEMIJOIN ? SCOPE_VALUE : SCOPE_FROM);
        inner->names_parent = scope->names_parent;
        inner->is_nullable = scope->is_nullable;
        query_select(analyzer, inner, set.arms.items[i - 1], &arm);
        if (!set.is_all)
            outputs_need(analyzer, &arm);
        outputs->is_open = outputs->is_open || arm.is_open;
        if (i == set.arms.count) {
            for (size_t k = 0; k < arm.count; k++)
                output_push(analyzer, outputs, arm.items[k]);
            arms = ARENA_NEW_ARRAY(analyzer->arena, TargetList, outputs->count + 1);
            continue;
        }
        for (size_t k = 0; k < outputs->count && k < arm.count; k++)
            output_merge_arm(analyzer, &outputs->items[k], &arms[k], &arm.items[k]);
    }
    for (size_t k = 0; k < outputs->count && set.arms.count > 1; k++) {
        Output *output = &outputs->items[k];
        if (arms[k].count == 0)
            continue;
        output->arms = &arms[k];
        /* The first arm has no base column there: another arm's stands first. */
        if (output->target.use < 0) {
            output->target = arms[k].items[0];
            arms[k].items++;
            arms[k].count--;
            arms[k].capacity = 0;
        }
    }
    outputs_limit_reach(outputs, set.has_except ? REACH_NONE : set.is_all ? REACH_JOIN : REACH_FILTER);
}

static void
query_values(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, Outputs *outputs)
{
    expression_walk_list(analyzer, scope, select->values_lists, select->n_values_lists);
    const Node *first = select->values_lists[0];
    size_t count = first->node_case == PG_QUERY__NODE__NODE_LIST ? first->list->n_items : 0;
    for (size_t i = 0; i < count; i++) {
        Output output = {.name = arena_printf(analyzer->arena, "column%zu", i + 1),
                         .target = {-1, 0},
                         .reach = REACH_NONE,
                         .star_use = -1};
        output_push(analyzer, outputs, output);
    }
}

typedef struct LevelFacts {
    bool has_aggregate;
    bool has_set_function;
} LevelFacts;

static bool
level_visit(const ProtobufCMessage *message, void *context)
{
    LevelFacts *facts = context;
    if (message->descriptor == &pg_query__func_call__descriptor) {
        const PgQuery__FuncCall *call = (const PgQuery__FuncCall *)message;
        const char *name = names_last(call->funcname, call->n_funcname);
        bool is_aggregate =
            call->over == NULL && (call->agg_star || (name != NULL && function_is_aggregate(name)));
        facts->has_aggregate = facts->has_aggregate || is_aggregate;
        facts->has_set_function = facts->has_set_function || (name != NULL && function_returns_set(name));
    }
    return message->descriptor != &pg_query__sub_link__descriptor;
}

bool
query_is_pulled_up(const Node *query)
{
    if (query == NULL || query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
        return false;
    const PgQuery__SelectStmt *select = query->select_stmt;
    LevelFacts facts = {0};
    for (size_t i = 0; i < select->n_target_list; i++)
        sql_tree_walk(&select->target_list[i]->base, level_visit, &facts);
    return select->op <= PG_QUERY__SET_OPERATION__SETOP_NONE && select->n_values_lists == 0 &&
           select->limit_count == NULL && select->limit_offset == NULL && select->n_group_clause == 0 &&
           select->having_clause == NULL && select->n_distinct_clause == 0 && select->n_locking_clause == 0 &&
           !facts.has_aggregate && !facts.has_set_function;
}

static bool
output_is_partition(const Scope *scope, const Output *output)
{
    for (size_t i = 0; i < scope->partitions.count; i++)
        if (scope->partitions.items[i].use == output->target.use &&
            scope->partitions.items[i].attnum == output->target.attnum)
            return true;
    return false;
}

/* What stands between a condition on the level's columns and its tables. */
static void
level_limit_reach(Analyzer *analyzer, const Scope *scope, const PgQuery__SelectStmt *select, Outputs *outputs)
{
    LevelFacts facts = {0};
    for (size_t i = 0; i < select->n_target_list && scope->kind != SCOPE_TOP; i++)
        sql_tree_walk(&select->target_list[i]->base, level_visit, &facts);
    analyzer->steps += select->n_target_list;
    bool has_grouping_set = false;
    for (size_t i = 0; i < select->n_group_clause; i++)
        has_grouping_set =
            has_grouping_set || select->group_clause[i]->node_case == PG_QUERY__NODE__NODE_GROUPING_SET;
    bool has_on = select->n_distinct_clause > 0 &&
                  select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
    if (select->limit_count != NULL || select->limit_offset != NULL || has_grouping_set || has_on)
        outputs_limit_reach(outputs, REACH_NONE);
    else if (select->n_group_clause > 0 || select->n_distinct_clause > 0 || select->having_clause != NULL ||
             facts.has_aggregate || facts.has_set_function || select->n_locking_clause > 0 ||
             scope->has_window)
        outputs_limit_reach(outputs, REACH_FILTER);
    for (size_t i = 0; scope->has_window && i < outputs->count; i++)
        if (!output_is_partition(scope, &outputs->items[i]))
            outputs->items[i].reach = REACH_NONE;
}

void
query_select(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, Outputs *ret_outputs)
{
    if (select == NULL || !analyzer_enter(analyzer))
        return;
    TargetList *collection = analyzer->collection;
    analyzer->collection = NULL;
    with_take(analyzer, scope, select->with_clause);
    if (select->op > PG_QUERY__SET_OPERATION__SETOP_NONE) {
        query_set(analyzer, scope, select, ret_outputs);
    } else if (select->n_values_lists > 0) {
        query_values(analyzer, scope, select, ret_outputs);
    } else {
        for (size_t i = 0; i < select->n_from_clause; i++)
            from_take(analyzer, scope, select->from_clause[i], false);
        predicates_take(analyzer, scope, select->where_clause);
        outputs_of_targets(analyzer, scope, select->target_list, select->n_target_list, ret_outputs);
        predicates_take_having(analyzer, scope, select->having_clause);
    }
    sorts_take(analyzer, scope, select, ret_outputs);
    expression_walk(analyzer, scope, select->limit_count);
    expression_walk(analyzer, scope, select->limit_offset);
    if (select->n_distinct_clause > 0)
        outputs_need(analyzer, ret_outputs);
    level_limit_reach(analyzer, scope, select, ret_outputs);
    analyzer->collection = collection;
    analyzer->collection_number++;
    analyzer_leave(analyzer);
}

/* The written table's use; -1 when it is not known. */
static int
write_target(Analyzer *analyzer, Scope *scope, PgQuery__RangeVar *range)
{
    if (range == NULL)
        return -1;
    size_t before = analyzer->uses.count;
    const SqlCatalog *catalog = analyzer->catalog;
    const SqlCatalogRelation *relation = catalog->relation_find(
        catalog->context, range->schemaname[0] == '\0' ? NULL : range->schemaname, range->relname);
    Node node = {.node_case = PG_QUERY__NODE__NODE_RANGE_VAR};
    node.range_var = range;
    from_take(analyzer, scope, &node, false);
    /* A view is written through to its table: its uses are told, none as the target. */
    if (relation == NULL || relation->view_definition != NULL || analyzer->uses.count == before)
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
    for (size_t i = 0; i < relation->column_count; i++) {
        bool is_named = count == 0 && all_when_none;
        for (size_t k = 0; k < count && !is_named; k++)
            is_named = targets[k]->node_case == PG_QUERY__NODE__NODE_RES_TARGET &&
                       strcmp(targets[k]->res_target->name, relation->columns[i].name) == 0;
        if (is_named)
            state->written[relation->columns[i].attnum] = true;
    }
}

static void
returning_take(Analyzer *analyzer, Scope *scope, Node **targets, size_t count, Outputs *ret_outputs)
{
    outputs_of_targets(analyzer, scope, targets, count, ret_outputs);
    outputs_need(analyzer, ret_outputs);
    outputs_limit_reach(ret_outputs, REACH_NONE);
}

/* The values of SET; the names that it sets are no reads. */
static void
assignments_walk(Analyzer *analyzer, Scope *scope, Node **targets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (targets[i]->node_case == PG_QUERY__NODE__NODE_RES_TARGET) {
            const PgQuery__ResTarget *target = targets[i]->res_target;
            expression_walk_list(analyzer, scope, target->indirection, target->n_indirection);
            /* (a, b) = (SELECT ...) stands once for each name: the first takes it. */
            bool is_multiple =
                target->val != NULL && target->val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF;
            if (!is_multiple)
                expression_walk(analyzer, scope, target->val);
            else if (target->val->multi_assign_ref->colno == 1)
                expression_walk(analyzer, scope, target->val->multi_assign_ref->source);
        }
}

static void
conflict_take(Analyzer *analyzer, Scope *scope, int use, const PgQuery__OnConflictClause *conflict)
{
    ScopeEntry excluded = {.kind = ENTRY_OPAQUE, .alias = "excluded", .use = -1};
    vector_push(analyzer->arena, &scope->entries, excluded);
    if (conflict->infer != NULL)
        expression_walk(analyzer, scope, conflict->infer->where_clause);
    for (size_t i = 0; conflict->infer != NULL && i < conflict->infer->n_index_elems; i++)
        if (conflict->infer->index_elems[i]->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM)
            expression_walk(analyzer, scope, conflict->infer->index_elems[i]->index_elem->expr);
    write_columns(analyzer, use, conflict->target_list, conflict->n_target_list, false);
    assignments_walk(analyzer, scope, conflict->target_list, conflict->n_target_list);
    expression_walk(analyzer, scope, conflict->where_clause);
}

static void
query_insert(Analyzer *analyzer, Scope *scope, const PgQuery__InsertStmt *insert, Outputs *ret_outputs)
{
    Outputs source = {0};
    with_take(analyzer, scope, insert->with_clause);
    /* The source sees the CTEs, not the target. */
    query_analyze(analyzer, scope, SCOPE_FROM, insert->select_stmt, &source);
    outputs_need(analyzer, &source);
    int use = write_target(analyzer, scope, insert->relation);
    write_columns(analyzer, use, insert->cols, insert->n_cols, true);
    if (insert->on_conflict_clause != NULL)
        conflict_take(analyzer, scope, use, insert->on_conflict_clause);
    returning_take(analyzer, scope, insert->returning_list, insert->n_returning_list, ret_outputs);
}

static void
query_update(Analyzer *analyzer, Scope *scope, const PgQuery__UpdateStmt *update, Outputs *ret_outputs)
{
    with_take(analyzer, scope, update->with_clause);
    int use = write_target(analyzer, scope, update->relation);
    write_columns(analyzer, use, update->target_list, update->n_target_list, false);
    for (size_t i = 0; i < update->n_from_clause; i++)
        from_take(analyzer, scope, update->from_clause[i], false);
    predicates_take(analyzer, scope, update->where_clause);
    assignments_walk(analyzer, scope, update->target_list, update->n_target_list);
    returning_take(analyzer, scope, update->returning_list, update->n_returning_list, ret_outputs);
}

static void
query_delete(Analyzer *analyzer, Scope *scope, const PgQuery__DeleteStmt *delete, Outputs *ret_outputs)
{
    with_take(analyzer, scope, delete->with_clause);
    (void)write_target(analyzer, scope, delete->relation);
    for (size_t i = 0; i < delete->n_using_clause; i++)
        from_take(analyzer, scope, delete->using_clause[i], false);
    predicates_take(analyzer, scope, delete->where_clause);
    returning_take(analyzer, scope, delete->returning_list, delete->n_returning_list, ret_outputs);
}

static void
query_merge(Analyzer *analyzer, Scope *scope, const PgQuery__MergeStmt *merge)
{
    with_take(analyzer, scope, merge->with_clause);
    int use = write_target(analyzer, scope, merge->relation);
    from_take(analyzer, scope, merge->source_relation, false);
    predicates_take(analyzer, scope, merge->join_condition);
    for (size_t i = 0; i < merge->n_merge_when_clauses; i++) {
        if (merge->merge_when_clauses[i]->node_case != PG_QUERY__NODE__NODE_MERGE_WHEN_CLAUSE)
            continue;
        const PgQuery__MergeWhenClause *when = merge->merge_when_clauses[i]->merge_when_clause;
        bool is_insert = when->command_type == PG_QUERY__CMD_TYPE__CMD_INSERT;
        expression_walk(analyzer, scope, when->condition);
        write_columns(analyzer, use, when->target_list, when->n_target_list, is_insert);
        assignments_walk(analyzer, scope, when->target_list, when->n_target_list);
        expression_walk_list(analyzer, scope, when->values, when->n_values);
    }
}

/* The statement that a utility statement runs; NULL for others. */
static Node *
statement_within(const Node *query)
{
    switch (query->node_case) {
        case PG_QUERY__NODE__NODE_EXPLAIN_STMT: return query->explain_stmt->query;
        case PG_QUERY__NODE__NODE_PREPARE_STMT: return query->prepare_stmt->query;
        case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: return query->create_table_as_stmt->query;
        case PG_QUERY__NODE__NODE_DECLARE_CURSOR_STMT: return query->declare_cursor_stmt->query;
        case PG_QUERY__NODE__NODE_COPY_STMT: return query->copy_stmt->query;
        default: return NULL;
    }
}

void
query_analyze(Analyzer *analyzer, Scope *parent, ScopeKind kind, Node *query, Outputs *ret_outputs)
{
    Node *within = query;
    for (int i = 0; within != NULL && i < 8 && statement_within(within) != NULL; i++)
        within = statement_within(within);
    if (within == NULL || !analyzer_enter(analyzer))
        return;
    TargetList *collection = analyzer->collection;
    analyzer->collection = NULL;
    Scope *scope = scope_new(analyzer, parent, kind);
    switch (within->node_case) {
        case PG_QUERY__NODE__NODE_SELECT_STMT:
            query_select(analyzer, scope, within->select_stmt, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_INSERT_STMT:
            query_insert(analyzer, scope, within->insert_stmt, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_UPDATE_STMT:
            query_update(analyzer, scope, within->update_stmt, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_DELETE_STMT:
            query_delete(analyzer, scope, within->delete_stmt, ret_outputs);
            break;
        case PG_QUERY__NODE__NODE_MERGE_STMT: query_merge(analyzer, scope, within->merge_stmt); break;
        default: break;
    }
    analyzer->collection = collection;
    analyzer->collection_number++;
    analyzer_leave(analyzer);
}
