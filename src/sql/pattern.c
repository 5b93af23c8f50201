// SPDX-License-Identifier: PostgreSQL
#include "sql/analysis_internal.h"

#include <ctype.h>
#include <string.h>

/* The constant that a pattern begins with, as far as constant folding would show it. */
typedef struct PatternStart {
    const char *string; /* NULL: not a constant */
    bool is_unknown;    /* begins with a parameter or a value of the statement */
    char escape;
} PatternStart;

static PatternStart
pattern_start(const Node *pattern)
{
    PatternStart start = {.escape = '\\'};
    for (int depth = 0; pattern != NULL && depth < 100; depth++) {
        if (pattern->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
            pattern = pattern->type_cast->arg;
        } else if (pattern->node_case == PG_QUERY__NODE__NODE_COLLATE_CLAUSE) {
            pattern = pattern->collate_clause->arg;
        } else if (pattern->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && pattern->func_call->n_args > 0) {
            const PgQuery__FuncCall *call = pattern->func_call;
            const char *name = names_last(call->funcname, call->n_funcname);
            bool is_escape =
                name != NULL && (strcmp(name, "like_escape") == 0 || strcmp(name, "similar_to_escape") == 0);
            const Node *escape = call->n_args > 1 ? call->args[1] : NULL;
            bool is_given = escape != NULL && escape->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                            escape->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL;
            if (!is_escape)
                return (PatternStart){.is_unknown = true};
            if (is_given)
                start.escape = escape->a_const->sval->sval[0];
            pattern = call->args[0];
        } else if (pattern->node_case == PG_QUERY__NODE__NODE_A_EXPR && pattern->a_expr->lexpr != NULL) {
            const char *name = names_last(pattern->a_expr->name, pattern->a_expr->n_name);
            if (name == NULL || strcmp(name, "||") != 0)
                return (PatternStart){.is_unknown = true};
            pattern = pattern->a_expr->lexpr;
        } else {
            break;
        }
    }
    bool is_constant = pattern != NULL && pattern->node_case == PG_QUERY__NODE__NODE_A_CONST;
    if (is_constant && !pattern->a_const->isnull &&
        pattern->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL)
        start.string = pattern->a_const->sval->sval;
    start.is_unknown = !is_constant;
    return start;
}

static bool
like_has_prefix(const PatternStart *start, bool is_similar)
{
    const char *string = start->string;
    if (string[0] == start->escape && start->escape != '\0')
        return string[1] != '\0';
    if (string[0] == '\0' || string[0] == '%' || string[0] == '_')
        return false;
    if (!is_similar)
        return true;
    bool is_literal = strchr("([{|*+?", string[0]) == NULL;
    bool is_repeated = string[1] == '*' || string[1] == '?' || string[1] == '{';
    return is_literal && !is_repeated && strchr(string, '|') == NULL;
}

/* Anchored, and its first character is fixed: "^abc", "^\.x"; alternatives are taken for none. */
static bool
regex_has_prefix(const char *string)
{
    if (string[0] != '^')
        return false;
    const char *first = string + 1;
    const char *next = first + 1;
    if (*first == '\\' && ispunct((unsigned char)first[1]))
        next++;
    else if (*first == '\0' ||
             (ispunct((unsigned char)*first) && strchr("_-/,:;<>=!@#%&'\"~` ", *first) == NULL))
        return false;
    bool is_repeated = *next == '*' || *next == '?' || *next == '{';
    return !is_repeated && strchr(string, '|') == NULL;
}

SqlPredicateKind
pattern_kind(const Node *pattern, PatternLanguage language)
{
    PatternStart start = pattern_start(pattern);
    if (start.string == NULL)
        return start.is_unknown ? SQL_PREDICATE_LIKE_UNKNOWN : SQL_PREDICATE_OTHER;
    bool has_prefix = language == PATTERN_REGEX ? regex_has_prefix(start.string)
                                                : like_has_prefix(&start, language == PATTERN_SIMILAR);
    return has_prefix ? SQL_PREDICATE_LIKE_PREFIX : SQL_PREDICATE_LIKE_ANY;
}
