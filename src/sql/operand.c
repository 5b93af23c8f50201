// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <math.h>
#include <string.h>

static void
function_note(Analyzer *analyzer, const PgQuery__FuncCall *call)
{
    const SqlCatalog *catalog = analyzer->catalog;
    const char *name = names_last(call->funcname, call->n_funcname);
    if (name == NULL)
        return;
    /* The catalog answers 'v' for what it does not know too: only a built-in list can say that for sure. */
    const char *schema = call->n_funcname < 2 ? NULL : node_string(call->funcname[call->n_funcname - 2]);
    bool is_volatile = builtin_is_volatile(name);
    if (!is_volatile && schema != NULL && strcmp(schema, "pg_catalog") != 0 &&
        catalog->function_volatility != NULL)
        is_volatile = catalog->function_volatility(catalog->context, schema, name) == 'v';
    if (!is_volatile)
        return;
    analyzer->result->has_volatile_function = true;
    for (Touch *touch = analyzer->touch; touch != NULL && !touch->is_volatile; touch = touch->outer)
        touch->is_volatile = true;
}

typedef struct WalkContext {
    Analyzer *analyzer;
    Scope *scope;
} WalkContext;

static void walk_message(const ProtobufCMessage *message, void *opaque);

static void
walk_sublink(Analyzer *analyzer, Scope *scope, const PgQuery__SubLink *link)
{
    Outputs outputs = {0};
    expression_walk(analyzer, scope, link->testexpr);
    query_analyze(analyzer, scope, SCOPE_VALUE, link->subselect, &outputs);
    if (link->sub_link_type != PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK)
        outputs_need(analyzer, &outputs);
}

/* Any part of an expression: columns are read, subqueries analysed, everything else descended into. */
static void
walk_message(const ProtobufCMessage *message, void *opaque)
{
    const WalkContext *context = opaque;
    Analyzer *analyzer = context->analyzer;
    if (!analyzer_enter(analyzer))
        return;
    if (message->descriptor == &pg_query__column_ref__descriptor) {
        scope_read(analyzer, context->scope, (const PgQuery__ColumnRef *)message);
    } else if (message->descriptor == &pg_query__sub_link__descriptor) {
        walk_sublink(analyzer, context->scope, (const PgQuery__SubLink *)message);
    } else if (message->descriptor == &pg_query__window_def__descriptor) {
        window_take(analyzer, context->scope, (const PgQuery__WindowDef *)message);
    } else if (message->descriptor == &pg_query__type_name__descriptor) {
        /* No columns within. */
    } else {
        if (message->descriptor == &pg_query__func_call__descriptor)
            function_note(analyzer, (const PgQuery__FuncCall *)message);
        sql_tree_parts(message, walk_message, opaque);
    }
    analyzer_leave(analyzer);
}

void
expression_walk(Analyzer *analyzer, Scope *scope, Node *node)
{
    WalkContext context = {.analyzer = analyzer, .scope = scope};
    if (node != NULL)
        walk_message(&node->base, &context);
}

void
expression_walk_list(Analyzer *analyzer, Scope *scope, Node **nodes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expression_walk(analyzer, scope, nodes[i]);
}

void
touch_begin(Analyzer *analyzer, const Scope *scope, Touch *touch)
{
    *touch = (Touch){.outer = analyzer->touch, .depth = scope->depth, .reach = REACH_JOIN};
    analyzer->touch = touch;
}

void
touch_end(Analyzer *analyzer)
{
    analyzer->touch = analyzer->touch->outer;
}

bool
operand_is_indexable(const Operand *operand)
{
    return operand->target.use >= 0 &&
           (operand->kind == OPERAND_COLUMN || operand->kind == OPERAND_EXPRESSION);
}

static void
operand_take_output(Operand *operand, const Output *output)
{
    if (output->target.use >= 0) {
        operand->kind = OPERAND_COLUMN;
        operand->target = output->target;
        operand->arms = output->arms;
    } else if (output->expression != NULL) {
        operand->kind = OPERAND_EXPRESSION;
        operand->target = output->expression->target;
        operand->expression = output->expression->expression;
        operand->expression_columns = output->expression->expression_columns;
        operand->is_immutable = output->expression->is_immutable;
    }
}

Operand
operand_of_target(const Analyzer *analyzer, const Scope *scope, const Output *output)
{
    (void)analyzer;
    Operand operand = {.kind = OPERAND_VALUE, .target = {-1, 0}, .list_length = NAN};
    operand.touch = (Touch){.depth = scope->depth, .reach = output->reach};
    operand_take_output(&operand, output);
    if (operand.target.use >= 0 && output->reach == REACH_JOIN)
        use_set_add(&operand.touch.uses, operand.target.use);
    else
        operand.touch.is_derived = true;
    return operand;
}

/* The one use that an expression reads which cannot be printed: a condition on it is told of, without its
 * text. */
static void
operand_take_touched(Analyzer *analyzer, Operand *operand)
{
    int only = -1;
    int count = 0;
    for (size_t i = 0; i < analyzer->uses.count; i++)
        if (use_set_has(&operand->touch.uses, (int)i)) {
            only = (int)i;
            count++;
        }
    if (count != 1 || operand->touch.is_outer || operand->touch.is_derived || operand->touch.names.count == 0)
        return;
    operand->target = (ColumnTarget){only, 0};
    operand->expression_columns = operand->touch.names;
}

static void
operand_take_printed(Operand *operand, const Printed *printed)
{
    if (printed->use >= 0 && printed->attnum > 0) {
        operand->kind = OPERAND_COLUMN;
        operand->target = (ColumnTarget){printed->use, printed->attnum};
    } else if (printed->use >= 0) {
        operand->kind = OPERAND_EXPRESSION;
        operand->target = (ColumnTarget){printed->use, 0};
        operand->expression = printed->text;
        operand->expression_columns = printed->columns;
        operand->is_immutable = printed->is_immutable;
    } else if (printed->is_constant) {
        operand->kind = OPERAND_CONSTANT;
        operand->constant = printed->text;
        operand->string = printed->string;
        operand->list_length = printed->list_length;
    }
}

static const Node *
without_casts(const Node *node)
{
    while (node != NULL && node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST)
        node = node->type_cast->arg;
    return node;
}

Operand
operand_of(Analyzer *analyzer, Scope *scope, Node *node)
{
    Operand operand = {.kind = OPERAND_VALUE, .target = {-1, 0}, .list_length = NAN};
    if (node == NULL)
        return operand;
    Touch touch;
    touch_begin(analyzer, scope, &touch);
    expression_walk(analyzer, scope, node);
    touch_end(analyzer);
    operand.touch = touch;
    const Node *inner = without_casts(node);
    Printed printed;
    if (inner != NULL && inner->node_case == PG_QUERY__NODE__NODE_PARAM_REF) {
        operand.kind = OPERAND_PARAMETER;
        operand.parameter = inner->param_ref->number;
        return operand;
    }
    if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && !reference_is_star(node->column_ref)) {
        Column column = scope_lookup(analyzer, scope, node->column_ref);
        if (column.kind == COLUMN_BASE) {
            operand.kind = OPERAND_COLUMN;
            operand.target = column.target;
        } else if (column.kind == COLUMN_OUTPUT) {
            operand_take_output(&operand, column.output);
        }
    } else if (expression_print(analyzer, scope, node, &printed)) {
        operand_take_printed(&operand, &printed);
    }
    if (operand.kind == OPERAND_VALUE)
        operand_take_touched(analyzer, &operand);
    return operand;
}
