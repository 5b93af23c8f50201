// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Where a condition stands. */
typedef struct Position {
    Scope *scope;
    int or_group;
    bool is_negated;
} Position;

static void condition_take(Analyzer *analyzer, Position position, Node *node);

static void
predicate_add(Analyzer *analyzer, const Position *position, const Operand *side, SqlPredicate predicate)
{
    if (side->target.use < 0)
        return;
    if (analyzer->predicates.count >= ANALYSIS_PREDICATES_MOST) {
        analyzer->result->is_partial = true;
        return;
    }
    predicate.use = side->target.use;
    predicate.column = side->target.attnum;
    predicate.expression = side->expression;
    predicate.expression_columns = side->expression_columns;
    predicate.is_expression_immutable = side->is_immutable;
    predicate.is_under_or = position->or_group > 0;
    predicate.or_group = position->or_group;
    predicate.level = position->scope->level;
    if (position->is_negated && predicate.kind != SQL_PREDICATE_BOOLEAN)
        predicate.kind = predicate.kind == SQL_PREDICATE_EQUAL || predicate.kind == SQL_PREDICATE_IN
                             ? SQL_PREDICATE_NOT_EQUAL
                         : predicate.kind == SQL_PREDICATE_IS_NULL     ? SQL_PREDICATE_IS_NOT_NULL
                         : predicate.kind == SQL_PREDICATE_IS_NOT_NULL ? SQL_PREDICATE_IS_NULL
                                                                       : SQL_PREDICATE_OTHER;
    vector_push(analyzer->arena, &analyzer->predicates, predicate);
}

static SqlPredicate
predicate_with(const Operand *other, SqlPredicateKind kind, const char *operator_name)
{
    return (SqlPredicate){.kind = kind,
                          .operator_name = operator_name,
                          .parameter = other->parameter,
                          .constant = other->constant,
                          .join_use = -1,
                          .in_list_length = NAN};
}

static bool
is_indexable(const Operand *operand)
{
    return operand->kind == OPERAND_COLUMN || operand->kind == OPERAND_EXPRESSION;
}

static const char *
operator_flipped(const char *name)
{
    static const char *const pairs[][2] = {{"<", ">"}, {"<=", ">="}, {"@>", "<@"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++) {
        if (strcmp(name, pairs[i][0]) == 0)
            return pairs[i][1];
        if (strcmp(name, pairs[i][1]) == 0)
            return pairs[i][0];
    }
    return name;
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
        {"?&", SQL_PREDICATE_CONTAINS},  {"@?", SQL_PREDICATE_CONTAINS}, {"@@", SQL_PREDICATE_FULL_TEXT}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].kind;
    return SQL_PREDICATE_OTHER;
}

/* A regular expression with an anchored literal start of at least one character. */
static bool
regex_has_prefix(const char *pattern)
{
    return pattern[0] == '^' &&
           (isalnum((unsigned char)pattern[1]) || ((unsigned char)pattern[1] & 0x80) != 0) &&
           pattern[2] != '*' && pattern[2] != '?' && pattern[2] != '{' && strchr(pattern, '|') == NULL;
}

static SqlPredicateKind
pattern_kind(const Operand *pattern, bool is_like)
{
    if (pattern->string == NULL)
        return pattern->kind == OPERAND_CONSTANT ? SQL_PREDICATE_OTHER : SQL_PREDICATE_LIKE_UNKNOWN;
    bool prefix = is_like
                      ? pattern->string[0] != '%' && pattern->string[0] != '_' && pattern->string[0] != '\0'
                      : regex_has_prefix(pattern->string);
    return prefix ? SQL_PREDICATE_LIKE_PREFIX : SQL_PREDICATE_LIKE_ANY;
}

static void
join_side(Analyzer *analyzer, const Position *position, const Operand *side, const Operand *other,
          const char *name)
{
    bool is_equal = strcmp(name, "=") == 0;
    SqlPredicate predicate =
        predicate_with(other, is_equal ? SQL_PREDICATE_JOIN : SQL_PREDICATE_JOIN_RANGE, name);
    if (operator_kind(name) != SQL_PREDICATE_EQUAL && operator_kind(name) != SQL_PREDICATE_RANGE)
        predicate.kind = SQL_PREDICATE_OTHER;
    predicate.join_use = other->target.use >= 0 ? other->target.use : other->other_use;
    predicate.join_column = other->target.attnum;
    predicate_add(analyzer, position, side, predicate);
}

static void
comparison_take(Analyzer *analyzer, const Position *position, const Operand *left, const Operand *right,
                const char *name)
{
    int left_use = left->target.use >= 0 ? left->target.use : left->other_use;
    int right_use = right->target.use >= 0 ? right->target.use : right->other_use;
    if (left_use >= 0 && right_use >= 0 && left_use != right_use) {
        if (is_indexable(left))
            join_side(analyzer, position, left, right, name);
        if (is_indexable(right))
            join_side(analyzer, position, right, left, operator_flipped(name));
        return;
    }
    SqlPredicateKind kind = operator_kind(name);
    if (left_use >= 0 && right_use >= 0)
        kind = SQL_PREDICATE_OTHER;
    if (strcmp(name, "~") == 0 || strcmp(name, "~~") == 0)
        kind = pattern_kind(right, strcmp(name, "~~") == 0);
    else if (strcmp(name, "~*") == 0 || strcmp(name, "~~*") == 0)
        kind = SQL_PREDICATE_LIKE_ANY;
    if (is_indexable(left))
        predicate_add(analyzer, position, left, predicate_with(right, kind, name));
    else if (is_indexable(right))
        predicate_add(analyzer, position, right, predicate_with(left, kind, operator_flipped(name)));
}

/* (a, b) = (1, 2) is a = 1 and b = 2; of (a, b) < (1, 2) the first pair bounds. */
static void
row_comparison_take(Analyzer *analyzer, const Position *position, const PgQuery__RowExpr *left,
                    const PgQuery__RowExpr *right, const char *name)
{
    bool is_equal = strcmp(name, "=") == 0;
    size_t count = left->n_args < right->n_args ? left->n_args : right->n_args;
    for (size_t i = 0; i < count; i++) {
        Operand first = operand_of(analyzer, position->scope, left->args[i]);
        Operand second = operand_of(analyzer, position->scope, right->args[i]);
        if (is_equal || i == 0)
            comparison_take(analyzer, position, &first, &second, name);
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
    comparison_take(analyzer, position, &first, &second, name);
}

static void
in_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    expression_walk(analyzer, position->scope, expression->rexpr);
    Operand none = {.target = {-1, 0}, .other_use = -1};
    SqlPredicate predicate =
        predicate_with(&none, strcmp(name, "=") == 0 ? SQL_PREDICATE_IN : SQL_PREDICATE_NOT_EQUAL, name);
    if (expression->rexpr != NULL && expression->rexpr->node_case == PG_QUERY__NODE__NODE_LIST)
        predicate.in_list_length = (double)expression->rexpr->list->n_items;
    if (is_indexable(&side))
        predicate_add(analyzer, position, &side, predicate);
}

/* x = ANY (array): an IN over the array's values; $1 = ANY (array column): containment in that column. */
static void
any_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression, const char *name)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    Operand array = operand_of(analyzer, position->scope, expression->rexpr);
    bool is_equal = strcmp(name, "=") == 0;
    if (is_indexable(&side))
        predicate_add(analyzer, position, &side,
                      predicate_with(&array, is_equal ? SQL_PREDICATE_IN : SQL_PREDICATE_OTHER, name));
    else if (is_indexable(&array))
        predicate_add(analyzer, position, &array,
                      predicate_with(&side, is_equal ? SQL_PREDICATE_CONTAINS : SQL_PREDICATE_OTHER, "@>"));
}

static void
between_take(Analyzer *analyzer, const Position *position, const PgQuery__AExpr *expression)
{
    Operand side = operand_of(analyzer, position->scope, expression->lexpr);
    if (expression->rexpr == NULL || expression->rexpr->node_case != PG_QUERY__NODE__NODE_LIST ||
        expression->rexpr->list->n_items != 2)
        return;
    static const char *const names[] = {">=", "<="};
    for (size_t i = 0; i < 2; i++) {
        Operand bound = operand_of(analyzer, position->scope, expression->rexpr->list->items[i]);
        comparison_take(analyzer, position, &side, &bound, names[i]);
    }
}

static void
expression_take(Analyzer *analyzer, Position position, const PgQuery__AExpr *expression)
{
    const char *name = expression->n_name == 0 ? NULL : node_string(expression->name[expression->n_name - 1]);
    if (name == NULL)
        name = "";
    switch (expression->kind) {
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
        case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
        case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
        case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
            operator_take(analyzer, &position, expression, name);
            break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_IN: in_take(analyzer, &position, expression, name); break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY: any_take(analyzer, &position, expression, name); break;
        case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
        case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM: between_take(analyzer, &position, expression); break;
        default: {
            Operand side = operand_of(analyzer, position.scope, expression->lexpr);
            expression_walk(analyzer, position.scope, expression->rexpr);
            Operand none = {.target = {-1, 0}, .other_use = -1};
            if (is_indexable(&side))
                predicate_add(analyzer, &position, &side, predicate_with(&none, SQL_PREDICATE_OTHER, name));
        }
    }
}

static void
unary_take(Analyzer *analyzer, const Position *position, Node *argument, SqlPredicateKind kind,
           const char *constant)
{
    Operand side = operand_of(analyzer, position->scope, argument);
    Operand value = {.target = {-1, 0}, .other_use = -1, .constant = constant};
    if (is_indexable(&side))
        predicate_add(analyzer, position, &side, predicate_with(&value, kind, ""));
}

static void
boolean_test_take(Analyzer *analyzer, const Position *position, const PgQuery__BooleanTest *test)
{
    bool positive = test->booltesttype == PG_QUERY__BOOL_TEST_TYPE__IS_TRUE;
    bool negative = test->booltesttype == PG_QUERY__BOOL_TEST_TYPE__IS_FALSE;
    unary_take(analyzer, position, test->arg,
               positive || negative ? SQL_PREDICATE_BOOLEAN : SQL_PREDICATE_OTHER,
               positive   ? "true"
               : negative ? "false"
                          : NULL);
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

static void
sublink_take(Analyzer *analyzer, const Position *position, const PgQuery__SubLink *link)
{
    OutputList outputs = {0};
    Operand side = operand_of(analyzer, position->scope, link->testexpr);
    query_analyze(analyzer, position->scope, link->subselect, &outputs);
    bool is_in = link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK && link->n_oper_name == 0;
    if (!is_in || position->is_negated || outputs.count != 1 || !is_indexable(&side))
        return;
    Operand inner = {.kind = OPERAND_COLUMN, .target = outputs.items[0].target, .other_use = -1};
    if (inner.target.use >= 0)
        comparison_take(analyzer, position, &side, &inner, "=");
    else
        predicate_add(analyzer, position, &side, predicate_with(&inner, SQL_PREDICATE_IN, "="));
}

static void
condition_take(Analyzer *analyzer, Position position, Node *node)
{
    if (node == NULL || !analyzer_enter(analyzer))
        return;
    switch (node->node_case) {
        case PG_QUERY__NODE__NODE_BOOL_EXPR: bool_take(analyzer, position, node->bool_expr); break;
        case PG_QUERY__NODE__NODE_A_EXPR: expression_take(analyzer, position, node->a_expr); break;
        case PG_QUERY__NODE__NODE_NULL_TEST:
            unary_take(analyzer, &position, node->null_test->arg,
                       node->null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NULL
                           ? SQL_PREDICATE_IS_NULL
                           : SQL_PREDICATE_IS_NOT_NULL,
                       NULL);
            break;
        case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
            boolean_test_take(analyzer, &position, node->boolean_test);
            break;
        case PG_QUERY__NODE__NODE_COLUMN_REF:
            unary_take(analyzer, &position, node, SQL_PREDICATE_BOOLEAN,
                       position.is_negated ? "false" : "true");
            break;
        case PG_QUERY__NODE__NODE_SUB_LINK: sublink_take(analyzer, &position, node->sub_link); break;
        default: expression_walk(analyzer, position.scope, node);
    }
    analyzer_leave(analyzer);
}

void
predicates_take(Analyzer *analyzer, Scope *scope, Node *condition)
{
    condition_take(analyzer, (Position){.scope = scope}, condition);
}

void
predicate_join_add(Analyzer *analyzer, const Scope *scope, ColumnTarget a, ColumnTarget b)
{
    Position position = {.scope = (Scope *)(uintptr_t)scope};
    Operand left = {.kind = OPERAND_COLUMN, .target = a, .other_use = -1};
    Operand right = {.kind = OPERAND_COLUMN, .target = b, .other_use = -1};
    use_need(analyzer, a);
    use_need(analyzer, b);
    if (a.use >= 0 && b.use >= 0)
        comparison_take(analyzer, &position, &left, &right, "=");
}
