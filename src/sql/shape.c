// SPDX-License-Identifier: PostgreSQL
#include "sql/shape.h"

#include "sql/statement_internal.h"

#include <string.h>

typedef struct ShapeWork {
    const SqlStatement *statement;
    SqlShape shape;
} ShapeWork;

static bool
name_is_aggregate(const char *name)
{
    static const char *const names[] = {"count",
                                        "sum",
                                        "avg",
                                        "min",
                                        "max",
                                        "array_agg",
                                        "string_agg",
                                        "json_agg",
                                        "jsonb_agg",
                                        "bool_and",
                                        "bool_or",
                                        "every",
                                        "bit_and",
                                        "bit_or",
                                        "stddev",
                                        "stddev_pop",
                                        "stddev_samp",
                                        "variance",
                                        "var_pop",
                                        "var_samp",
                                        "corr",
                                        "covar_pop",
                                        "covar_samp",
                                        "regr_slope",
                                        "percentile_cont",
                                        "percentile_disc",
                                        "mode",
                                        "xmlagg",
                                        "json_object_agg",
                                        "jsonb_object_agg",
                                        "range_agg",
                                        "any_value"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void
call_take(SqlShape *shape, const PgQuery__FuncCall *call)
{
    const PgQuery__Node *last = call->n_funcname == 0 ? NULL : call->funcname[call->n_funcname - 1];
    bool is_named =
        last != NULL && last->node_case == PG_QUERY__NODE__NODE_STRING && last->string->sval != NULL;
    if (call->over != NULL)
        shape->window_count++;
    else if (call->agg_star || call->agg_distinct || call->agg_within_group || call->agg_filter != NULL ||
             call->n_agg_order > 0 || (is_named && name_is_aggregate(last->string->sval)))
        shape->has_aggregate = true;
}

static void
select_take(SqlShape *shape, const PgQuery__SelectStmt *select)
{
    shape->has_group_by = shape->has_group_by || select->n_group_clause > 0;
    shape->has_distinct = shape->has_distinct || select->n_distinct_clause > 0;
    shape->has_limit = shape->has_limit || select->limit_count != NULL;
    shape->join_count += select->n_from_clause > 1 ? (int)select->n_from_clause - 1 : 0;
}

static bool
part_take(const ProtobufCMessage *message, void *context)
{
    SqlShape *shape = context;
    if (message->descriptor == &pg_query__func_call__descriptor)
        call_take(shape, (const PgQuery__FuncCall *)message);
    else if (message->descriptor == &pg_query__select_stmt__descriptor)
        select_take(shape, (const PgQuery__SelectStmt *)message);
    else if (message->descriptor == &pg_query__join_expr__descriptor)
        shape->join_count++;
    else if (message->descriptor == &pg_query__sub_link__descriptor ||
             message->descriptor == &pg_query__range_subselect__descriptor)
        shape->subquery_count++;
    else if (message->descriptor == &pg_query__common_table_expr__descriptor)
        shape->cte_count++;
    return true;
}

static void
shape_find(void *context)
{
    ShapeWork *work = context;
    sql_tree_walk(&work->statement->tree->base, part_take, &work->shape);
}

SqlShape
sql_shape(const SqlStatement *statement)
{
    ShapeWork work = {.statement = statement};
    if (statement->tree == NULL)
        return work.shape;
    sql_big_stack_run(shape_find, &work);
    return work.shape;
}
