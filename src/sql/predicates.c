// SPDX-License-Identifier: PostgreSQL
#include "base/text.h"
#include "sql/analysis_internal.h"
#include "sql/function_facts.h"

#include <math.h>
#include <string.h>

/* Where a condition stands. */
typedef struct Position {
    Scope *scope;
    int or_group;
    bool is_negated;
    const UseSet *preserved; /* ON of an outer join: the side whose rows all stay; NULL */
} Position;

static void condition_take(Analyzer *analyzer, Position position, Node *node);

static bool
kind_is_join(SqlPredicateKind kind)
{
    return kind == SQL_PREDICATE_JOIN || kind == SQL_PREDICATE_JOIN_RANGE;
}

static void
predicate_push(Analyzer *analyzer, const Position *position, ColumnTarget target, SqlPredicate predicate)
{
    if (analyzer->predicates.count >= ANALYSIS_PREDICATES_MOST) {
        analyzer->result->is_partial = true;
        return;
    }
    /* On the side that keeps all its rows, a condition of ON chooses no rows. */
    if (position->preserved != NULL && use_set_has(position->preserved, target.use) &&
        !kind_is_join(predicate.kind))
        predicate.kind = SQL_PREDICATE_OTHER;
    predicate.use = target.use;
    predicate.column = target.attnum;
    vector_push(analyzer->arena, &analyzer->predicates, predicate);
}

static void
predicate_add(Analyzer *analyzer, const Position *position, const Operand *side, SqlPredicate predicate)
{
    bool is_join = kind_is_join(predicate.kind);
    bool is_reached = side->touch.reach == REACH_JOIN || (side->touch.reach == REACH_FILTER && !is_join);
    bool is_here = !side->touch.is_outer || (is_join && side->touch.is_pulled);
    if (side->target.use < 0 || !is_reached || !is_here)
        return;
    predicate.expression = side->expression;
    predicate.expression_columns = side->expression_columns;
    predicate.is_expression_immutable = side->expression != NULL && side->is_immutable;
    predicate.is_under_or = position->or_group > 0;
    predicate.or_group = position->or_group;
    predicate.level = position->scope->level;
    predicate_push(analyzer, position, side->target, predicate);
    for (size_t i = 0; side->arms != NULL && i < side->arms->count; i++)
        predicate_push(analyzer, position, side->arms->items[i], predicate);
}

static SqlPredicate
predicate_with(const Operand *other, SqlPredicateKind kind, const char *operator_name)
{
    return (SqlPredicate){.kind = kind,
                          .operator_name = operator_name,
                          .parameter = other == NULL ? 0 : other->parameter,
                          .constant = other == NULL ? NULL : other->constant,
                          .join_use = -1,
                          .in_list_length = NAN};
}

/* A side that is no column and no printable expression, but reads one use: told of as a condition no index
 * serves. */
static bool
operand_is_notable(const Operand *operand)
{
    return operand->kind == OPERAND_VALUE && operand->target.use >= 0;
}

static const char *
operator_flipped(const char *name)
{
    static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {"@>", "<@"}, {"<<", ">>"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0)
            return pairs[i][1];
        if (strcmp(name, pairs[i][1]) == 0)
            return pairs[i][0];
    }
    return name;
}

static const char *
operator_negated(const char *name)
{
    static const char *const pairs[][2] = {{"<", ">="},     {">", "<="}, {"=", "<>"},  {"~~", "!~~"},
                                           {"~~*", "!~~*"}, {"~", "!~"}, {"~*", "!~*"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0)
            return pairs[i][1];
        if (strcmp(name, pairs[i][1]) == 0)
            return pairs[i][0];
    }
    return NULL;
}

static SqlPredicateKind
operator_kind(const char *name)
{
    static const struct {
        const char *name;
        SqlPredicateKind kind;
    } kinds[] = {
        {"=", SQL_PREDICATE_EQUAL},      {"<", SQL_PREDICATE_RANGE},     {"<=", SQL_PREDICATE_RANGE},
        {">", SQL_PREDICATE_RANGE},      {">=", SQL_PREDICATE_RANGE},    {"<>", SQL_PREDICATE_NOT_EQUAL},
        {"!=", SQL_PREDICATE_NOT_EQUAL}, {"@>", SQL_PREDICATE_CONTAINS}, {"<@", SQL_PREDICATE_CONTAINS},
        {"&&", SQL_PREDICATE_CONTAINS},  {"?", SQL_PREDICATE_CONTAINS},  {"?|", SQL_PREDICATE_CONTAINS},
        {"?&", SQL_PREDICATE_CONTAINS},  {"@?", SQL_PREDICATE_CONTAINS}, {"@@", SQL_PREDICATE_FULL_TEXT},
        {"~~*", SQL_PREDICATE_LIKE_ANY}, {"~*", SQL_PREDICATE_LIKE_ANY}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return SQL_PREDICATE_OTHER;
}

/* What of the other side is not the use itself: a use, -1 for values, -2 for rows of no relation use. */
static int
other_use(const Analyzer *analyzer, const Operand *other, int own)
{
    if (other->target.use >= 0 && other->target.use != own && other->touch.reach == REACH_JOIN)
        return other->target.use;
    for (size_t i = 0; i < analyzer->uses.count; i++)
        if ((int)i != own && use_set_has(&other->touch.uses, (int)i))
            return (int)i;
    return other->touch.is_derived ? -2 : -1;
}

/* One side's predicate. pattern: the right side's node where the operator is ~~ or ~ and side stands left. */
static void
side_take(Analyzer *analyzer, const Position *position, const Operand *side, const Operand *other,
          const char *name, const Node *pattern)
{
    int use = side->target.use;
    SqlPredicateKind kind = operator_kind(name);
    const SqlCatalogColumn *column = target_column(analyzer, side->target);
    bool is_text_search = column == NULL || strcmp(column->type_name, "jsonb") != 0;
    if (kind == SQL_PREDICATE_FULL_TEXT && !is_text_search)
        kind = SQL_PREDICATE_CONTAINS;
    if (pattern != NULL && (strcmp(name, "~~") == 0 || strcmp(name, "~") == 0))
        kind = pattern_kind(pattern, strcmp(name, "~") == 0 ? PATTERN_REGEX : PATTERN_LIKE);
    if (pattern != NULL && strcmp(name, "^@") == 0)
        kind = pattern_kind(pattern, PATTERN_LIKE) == SQL_PREDICATE_LIKE_UNKNOWN ? SQL_PREDICATE_LIKE_UNKNOWN
                                                                                 : SQL_PREDICATE_LIKE_PREFIX;
    SqlPredicate predicate = predicate_with(other, kind, name);
    int joined = other_use(analyzer, other, use);
    /* A value that changes with each row is nothing to look up either. */
    bool is_own =
        use_set_has(&other->touch.uses, use) || other->touch.is_volatile || !operand_is_indexable(side);
    if (joined != -1 && !is_own) {
        bool is_comparison = kind == SQL_PREDICATE_EQUAL || kind == SQL_PREDICATE_RANGE;
        predicate.kind = kind == SQL_PREDICATE_EQUAL ? SQL_PREDICATE_JOIN
                         : is_comparison             ? SQL_PREDICATE_JOIN_RANGE
                                                     : SQL_PREDICATE_OTHER;
        predicate.join_use = joined < 0 ? -1 : joined;
        predicate.join_column =
            other->kind == OPERAND_COLUMN && other->target.use == joined ? other->target.attnum : 0;
    } else if (is_own) {
        predicate.kind = SQL_PREDICATE_OTHER;
    }
    if (predicate.kind == SQL_PREDICATE_LIKE_UNKNOWN || predicate.kind == SQL_PREDICATE_LIKE_PREFIX)
        predicate.join_use = -1;
    predicate_add(analyzer, position, side, predicate);
}

static void
comparison_take(Analyzer *analyzer, const Position *position, const Operand *left, const Operand *right,
                const char *name, const Node *pattern)
{
    if (position->is_negated) {
        name = operator_negated(name);
        pattern = NULL;
    }
    if (name == NULL) {
        SqlPredicate predicate = predicate_with(right, SQL_PREDICATE_OTHER, "not");
        predicate_add(analyzer, position, left, predicate);
        return;
    }
    bool has_left = operand_is_indexable(left);
    bool has_right = operand_is_indexable(right);
    if (has_left)
        side_take(analyzer, position, left, right, name, pattern);
    if (has_right && left->target.use != right->target.use)
        side_take(analyzer, position, right, left, operator_flipped(name), NULL);
    if (has_left || has_right)
        return;
    if (operand_is_notable(left))
        side_take(analyzer, position, left, right, name, NULL);
    else if (operand_is_notable(right))
        side_take(analyzer, position, right, left, operator_flipped(name), NULL);
}

/* (a, b) = (1, 2) is a = 1 and b = 2. (a, b) < (1, 2) bounds a; b counts only where a is equal. */
static void
row_comparison_take(Analyzer *analyzer, const Position *position, const PgQuery__RowExpr *left,
                    const PgQuery__RowExpr *right, const char *name)
{
    bool is_equal = strcmp(name, "=") == 0 && !position->is_negated;
    bool is_range = operator_kind(name) == SQL_PREDICATE_RANGE && !position->is_negated;
    size_t count = left->n_args < right->n_args ? left->n_args : right->n_args;
    for (size_t i = 0; i < count; i++) {
        Operand first = operand_of(analyzer, position->scope, left->args[i]);
        Operand second = operand_of(analyzer, position->scope, right->args[i]);
        if (is_equal || (is_range && i == 0)) {
            comparison_take(analyzer, position, &first, &second, name, NULL);
            continue;
        }
        bool is_left = operand_is_indexable(&first);
        predicate_add(analyzer, position, is_left ? &first : &second,
                      predicate_with(is_left ? &second : &first, SQL_PREDICATE_OTHER,
                                     is_left ? name : operator_flipped(name)));
    }
}

static void
operator_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression,
              const char *name)
{
    Node *left = expression->lexpr;
    Node *right = expression->rexpr;
    if (left != NULL && right != NULL && left->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
        right->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        row_comparison_take(analyzer, position, left->row_expr, right->row_expr, name);
        return;
    }
    Operand first = operand_of(analyzer, position->scope, left);
    Operand second = operand_of(analyzer, position->scope, right);
    if (left == NULL)
        return;
    comparison_take(analyzer, position, &first, &second, name, right);
}

/* (a, b) IN ((1, 2), (3, 4)): each is an arm of an OR over both columns. */
static void
row_in_take(Analyzer *analyzer, Position position, const PgQuery__RowExpr *row, const Node *list,
            bool is_equal)
{
    if (is_equal && position.or_group == 0)
        position.or_group = ++analyzer->or_group_count;
    for (size_t i = 0; i < row->n_args; i++) {
        Operand side = operand_of(analyzer, position.scope, row->args[i]);
        SqlPredicate predicate = predicate_with(NULL, is_equal ? SQL_PREDICATE_IN : SQL_PREDICATE_OTHER, "=");
        if (list != NULL && list->node_case == PG_QUERY__NODE__NODE_LIST)
            predicate.in_list_length = (double)list->list->n_items;
        if (operand_is_indexable(&side))
            predicate_add(analyzer, &position, &side, predicate);
    }
}

/* Of longer lists they are not kept. */
#define LITERALS_MOST 20

/* The literals of a list of literals; none when one of them is something else. */
static TextList
literals_of(Analyzer *analyzer, const Position *position, Node **items, size_t count)
{
    TextList literals = {0};
    for (size_t i = 0; i < count && count <= LITERALS_MOST; i++) {
        bool is_literal = items[i]->node_case == PG_QUERY__NODE__NODE_A_CONST && !items[i]->a_const->isnull;
        Operand value = is_literal ? operand_of(analyzer, position->scope, items[i]) : (Operand){0};
        if (value.constant == NULL)
            return (TextList){0};
        vector_push(analyzer->arena, &literals, value.constant);
    }
    return literals;
}

static void
in_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name)
{
    bool is_equal = (strcmp(name, "=") == 0) != position->is_negated;
    Touch touch;
    touch_begin(analyzer, position->scope, &touch);
    expression_walk(analyzer, position->scope, expression->rexpr);
    touch_end(analyzer);
    if (expression->lexpr != NULL && expression->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
        row_in_take(analyzer, *position, expression->lexpr->row_expr, expression->rexpr, is_equal);
        return;
    }
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    Operand list = {.kind = OPERAND_VALUE, .target = {-1, 0}, .touch = touch};
    SqlPredicate predicate =
        predicate_with(NULL, is_equal ? SQL_PREDICATE_IN : SQL_PREDICATE_NOT_EQUAL, is_equal ? "=" : "<>");
    const Node *items = expression->rexpr;
    if (items != NULL && items->node_case == PG_QUERY__NODE__NODE_LIST) {
        predicate.in_list_length = (double)items->list->n_items;
        predicate.constants = literals_of(analyzer, position, items->list->items, items->list->n_items);
    }
    /* A list with columns in it is an OR of joins. */
    if (!operand_is_indexable(&side) || other_use(analyzer, &list, -1) != -1)
        predicate.kind = SQL_PREDICATE_OTHER;
    predicate_add(analyzer, position, &side, predicate);
}

static SqlPredicateKind
any_kind(const char *name, bool is_any)
{
    SqlPredicateKind kind = operator_kind(name);
    if (is_any && kind == SQL_PREDICATE_EQUAL)
        return SQL_PREDICATE_IN;
    if (!is_any && kind == SQL_PREDICATE_NOT_EQUAL)
        return SQL_PREDICATE_NOT_EQUAL;
    bool is_pattern = strcmp(name, "~~") == 0 || strcmp(name, "~~*") == 0 || strcmp(name, "~") == 0;
    return is_any && is_pattern ? SQL_PREDICATE_LIKE_ANY : SQL_PREDICATE_OTHER;
}

/* x = ANY (array) is an IN over the array's values. */
static void
any_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name,
         bool is_any)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    Operand array = operand_of(analyzer, position->scope, expression->rexpr);
    SqlPredicateKind kind = any_kind(name, is_any);
    if (position->is_negated)
        kind = kind == SQL_PREDICATE_IN          ? SQL_PREDICATE_NOT_EQUAL
               : kind == SQL_PREDICATE_NOT_EQUAL ? SQL_PREDICATE_IN
                                                 : SQL_PREDICATE_OTHER;
    if (kind == SQL_PREDICATE_IN || kind == SQL_PREDICATE_NOT_EQUAL)
        name = kind == SQL_PREDICATE_IN ? "=" : "<>";
    int joined = other_use(analyzer, &array, side.target.use);
    if (operand_is_indexable(&side)) {
        SqlPredicate predicate = predicate_with(&array, kind, name);
        predicate.in_list_length = array.list_length;
        const Node *items = expression->rexpr;
        if (items != NULL && items->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR)
            predicate.constants = literals_of(analyzer, position, items->a_array_expr->elements,
                                              items->a_array_expr->n_elements);
        if (use_set_has(&array.touch.uses, side.target.use) || array.touch.is_volatile)
            predicate.kind = SQL_PREDICATE_OTHER;
        else if (joined != -1)
            predicate.kind = kind == SQL_PREDICATE_IN ? SQL_PREDICATE_JOIN : SQL_PREDICATE_OTHER;
        predicate.join_use = joined < 0 ? -1 : joined;
        predicate_add(analyzer, position, &side, predicate);
    } else if (operand_is_indexable(&array) && is_any) {
        /* Whether the column's array has a value: a containment, but by this operator no index is asked. */
        predicate_add(analyzer, position, &array, predicate_with(&side, SQL_PREDICATE_OTHER, "= any"));
    }
}

static void
between_take(Analyzer *analyzer, Position position, const PgQuery__AExpr *expression, bool is_negated)
{
    Operand side = operand_of(analyzer, position.scope, expression->lexpr);
    if (expression->rexpr == NULL || expression->rexpr->node_case != PG_QUERY__NODE__NODE_LIST ||
        expression->rexpr->list->n_items != 2)
        return;
    /* NOT BETWEEN is below one or above the other. */
    position.is_negated = position.is_negated != is_negated;
    if (position.is_negated && position.or_group == 0)
        position.or_group = ++analyzer->or_group_count;
    static const char *const names[] = {">=", "<="};
    static const char *const outside[] = {"<", ">"};
    bool is_outside = position.is_negated;
    position.is_negated = false;
    for (size_t i = 0; i < 2; i++) {
        Operand bound = operand_of(analyzer, position.scope, expression->rexpr->list->items[i]);
        comparison_take(analyzer, &position, &side, &bound, is_outside ? outside[i] : names[i], NULL);
    }
}

/* Anything else over one use: told of, served by no index. */
static void
other_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    Operand other = operand_of(analyzer, position->scope, expression->rexpr);
    const Operand *told = side.target.use >= 0 ? &side : &other;
    predicate_add(analyzer, position, told,
                  predicate_with(told == &side ? &other : &side, SQL_PREDICATE_OTHER, name));
}

static void
similar_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    Operand pattern = operand_of(analyzer, position->scope, expression->rexpr);
    bool is_positive = strcmp(name, "~") == 0 && !position->is_negated && operand_is_indexable(&side);
    SqlPredicateKind kind =
        is_positive ? pattern_kind(expression->rexpr, PATTERN_SIMILAR) : SQL_PREDICATE_OTHER;
    predicate_add(analyzer, position, &side, predicate_with(&pattern, kind, name));
}

static void
expression_take(Analyzer *analyzer, Position position, const PgQuery__AExpr *expression)
{
    const char *name = names_last(expression->name, expression->n_name);
    if (name == NULL)
        name = "";
    switch (expression->kind) {
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
        case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
            operator_take(analyzer, &position, expression, name);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
            similar_take(analyzer, &position, expression, name);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_IN: in_take(analyzer, &position, expression, name); break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
            any_take(analyzer, &position, expression, name, true);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
            any_take(analyzer, &position, expression, name, false);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
            between_take(analyzer, position, expression, false);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
            between_take(analyzer, position, expression, true);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
            other_take(analyzer, &position, expression, "is distinct from");
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
            other_take(analyzer, &position, expression, "is not distinct from");
            break;
        default: other_take(analyzer, &position, expression, name);
    }
}

static void
unary_take(Analyzer *analyzer, const Position *position, Node *argument, SqlPredicateKind kind,
           const char *constant)
{
    Operand side = operand_of(analyzer, position->scope, argument);
    SqlPredicate predicate =
        predicate_with(NULL, operand_is_indexable(&side) ? kind : SQL_PREDICATE_OTHER, "");
    predicate.constant = constant;
    predicate_add(analyzer, position, &side, predicate);
}

static void
null_test_take(Analyzer *analyzer, const Position *position, const PgQuery__NullTest *test)
{
    bool is_null = (test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL) != position->is_negated;
    unary_take(analyzer, position, test->arg, is_null ? SQL_PREDICATE_IS_NULL : SQL_PREDICATE_IS_NOT_NULL,
               NULL);
}

static void
boolean_test_take(Analyzer *analyzer, const Position *position, const PgQuery__BooleanTest *test)
{
    bool is_true = test->booltesttype == PG_QUERY__BOOL_TEST_TYPE__IS_TRUE;
    bool is_false = test->booltesttype == PG_QUERY__BOOL_TEST_TYPE__IS_FALSE;
    bool is_plain = (is_true || is_false) && !position->is_negated;
    unary_take(analyzer, position, test->arg, is_plain ? SQL_PREDICATE_BOOLEAN : SQL_PREDICATE_OTHER,
               !is_plain ? NULL
               : is_true ? "true"
                         : "false");
}

static void
bool_take(Analyzer *analyzer, Position position, const PgQuery__BoolExpr *expression)
{
    if (expression->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
        position.is_negated = !position.is_negated;
    } else {
        /* By De Morgan, a negated AND is an OR and the other way round. */
        bool is_or = (expression->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR) != position.is_negated;
        if (is_or && position.or_group == 0)
            position.or_group = ++analyzer->or_group_count;
    }
    for (size_t i = 0; i < expression->n_args; i++)
        condition_take(analyzer, position, expression->args[i]);
}

/* x IN (SELECT y ...), (a, b) IN (SELECT c, d ...): joins of each with its column, where the planner makes
 * joins. */
static void
sublink_in_take(Analyzer *analyzer, const Position *position, const Outputs *outputs, const Operand *sides,
                size_t count)
{
    for (size_t i = 0; i < count && outputs->count == count; i++) {
        Operand inner = operand_of_target(analyzer, position->scope, &outputs->items[i]);
        if (inner.target.use < 0) {
            predicate_add(analyzer, position, &sides[i], predicate_with(NULL, SQL_PREDICATE_IN, "="));
            continue;
        }
        comparison_take(analyzer, position, &sides[i], &inner, "=", NULL);
    }
}

static void
sublink_take(Analyzer *analyzer, const Position *position, const PgQuery__SubLink *link)
{
    bool is_exists = link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK;
    bool is_in = link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK &&
                 (link->n_oper_name == 0 || text_equals(names_last(link->oper_name, link->n_oper_name), "="));
    bool is_row = link->testexpr != NULL && link->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
    size_t count = link->testexpr == NULL ? 0 : is_row ? link->testexpr->row_expr->n_args : 1;
    Operand *sides = ARENA_NEW_ARRAY(analyzer->arena, Operand, count + 1);
    for (size_t i = 0; i < count; i++)
        sides[i] = operand_of(analyzer, position->scope,
                              is_row ? link->testexpr->row_expr->args[i] : link->testexpr);
    bool is_join = position->or_group == 0 && (is_exists || (is_in && !position->is_negated));
    Outputs outputs = {0};
    query_analyze(analyzer, position->scope, is_join ? SCOPE_SEMIJOIN : SCOPE_VALUE, link->subselect,
                  &outputs);
    if (!is_exists)
        outputs_need(analyzer, &outputs);
    if (is_in && is_join) {
        sublink_in_take(analyzer, position, &outputs, sides, count);
        return;
    }
    /* NOT IN, and IN under OR: the subquery is a table of values that each row is looked up in. */
    for (size_t i = 0; i < count; i++)
        predicate_add(analyzer, position, &sides[i],
                      predicate_with(NULL,
                                     is_in && position->is_negated && operand_is_indexable(&sides[i])
                                         ? SQL_PREDICATE_NOT_EQUAL
                                         : SQL_PREDICATE_OTHER,
                                     is_in && position->is_negated ? "<>" : "="));
}

/* starts_with(x, 'a') is x ^@ 'a'; any other function that can be printed is a boolean expression. */
static void
function_take(Analyzer *analyzer, const Position *position, Node *node)
{
    const PgQuery__FuncCall *call = node->func_call;
    const char *name = names_last(call->funcname, call->n_funcname);
    if (name != NULL && strcmp(name, "starts_with") == 0 && call->n_args == 2 && !position->is_negated) {
        Operand side = operand_of(analyzer, position->scope, call->args[0]);
        Operand prefix = operand_of(analyzer, position->scope, call->args[1]);
        comparison_take(analyzer, position, &side, &prefix, "^@", call->args[1]);
        return;
    }
    Operand side = operand_of(analyzer, position->scope, node);
    SqlPredicate predicate =
        predicate_with(NULL, operand_is_indexable(&side) ? SQL_PREDICATE_BOOLEAN : SQL_PREDICATE_OTHER,
                       operand_is_indexable(&side) || name == NULL ? "" : name);
    predicate.constant = operand_is_indexable(&side) ? (position->is_negated ? "false" : "true") : NULL;
    predicate_add(analyzer, position, &side, predicate);
}

static void
condition_take(Analyzer *analyzer, Position position, Node *node)
{
    if (node == NULL || !analyzer_enter(analyzer))
        return;
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_BOOL_EXPR: bool_take(analyzer, position, node->bool_expr); break;
        case PG_QUERY__NODE__NODE_A_EXPR: expression_take(analyzer, position, node->a_expr); break;
        case PG_QUERY__NODE__NODE_NULL_TEST: null_test_take(analyzer, &position, node->null_test); break;
        case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
            boolean_test_take(analyzer, &position, node->boolean_test);
            break;
        case PG_QUERY__NODE__NODE_COLUMN_REF:
            unary_take(analyzer, &position, node, SQL_PREDICATE_BOOLEAN,
                       position.is_negated ? "false" : "true");
            break;
        case PG_QUERY__NODE__NODE_FUNC_CALL: function_take(analyzer, &position, node); break;
        case PG_QUERY__NODE__NODE_SUB_LINK: sublink_take(analyzer, &position, node->sub_link); break;
        case PG_QUERY__NODE__NODE_TYPE_CAST:
            unary_take(analyzer, &position, node, SQL_PREDICATE_BOOLEAN,
                       position.is_negated ? "false" : "true");
            break;
        case PG_QUERY__NODE__NODE_A_CONST: break;
        default: unary_take(analyzer, &position, node, SQL_PREDICATE_OTHER, NULL);
    }
    analyzer_leave(analyzer);
}

void
predicates_take(Analyzer *analyzer, Scope *scope, Node *condition)
{
    condition_take(analyzer, (Position){.scope = scope}, condition);
}

void
predicates_take_on(Analyzer *analyzer, Scope *scope, Node *condition, const UseSet *preserved)
{
    condition_take(analyzer, (Position){.scope = scope, .preserved = preserved}, condition);
}

static bool
aggregate_visit(const ProtobufCMessage *message, void *context)
{
    bool *has_aggregate = context;
    if (message->descriptor == &pg_query__func_call__descriptor) {
        const PgQuery__FuncCall *call = (const PgQuery__FuncCall *)message;
        const char *name = names_last(call->funcname, call->n_funcname);
        *has_aggregate = *has_aggregate || call->agg_star || (name != NULL && function_is_aggregate(name));
    }
    return !*has_aggregate && message->descriptor != &pg_query__sub_link__descriptor;
}

/* What HAVING asks of the groups' own columns is moved to WHERE by the planner. */
void
predicates_take_having(Analyzer *analyzer, Scope *scope, Node *condition)
{
    if (condition == NULL || !analyzer_enter(analyzer))
        return;
    bool is_and = condition->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
                  condition->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR;
    bool has_aggregate = false;
    if (is_and) {
        for (size_t i = 0; i < condition->bool_expr->n_args; i++)
            predicates_take_having(analyzer, scope, condition->bool_expr->args[i]);
    } else {
        sql_tree_walk(&condition->base, aggregate_visit, &has_aggregate);
        if (has_aggregate)
            expression_walk(analyzer, scope, condition);
        else
            predicates_take(analyzer, scope, condition);
    }
    analyzer_leave(analyzer);
}

void
predicate_join_add(Analyzer *analyzer, Scope *scope, const Output *left, const Output *right)
{
    Position position = {.scope = scope};
    Operand first = operand_of_target(analyzer, scope, left);
    Operand second = operand_of_target(analyzer, scope, right);
    output_need(analyzer, left);
    output_need(analyzer, right);
    comparison_take(analyzer, &position, &first, &second, "=", NULL);
}
