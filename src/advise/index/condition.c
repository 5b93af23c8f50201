// SPDX-License-Identifier: PostgreSQL
#include "advise/index/condition.h"

#include "base/attributes.h"

#include <string.h>

#define OPERATOR_CHARACTERS "<>=~!@#%^&|`?+-*/"
/* Further parts of a condition are not looked at. */
#define PARTS_MOST 32

/* One comparison: "a >= $1", within its parentheses. */
typedef struct Part {
    const char *text;
    size_t length;
    const char *operator; /* within text; NULL: none that compares */
    size_t operator_length;
} Part;

static bool
is_among(const char *text, size_t length, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0)
            return true;
    return false;
}

static bool
is_range(const Part *part)
{
    static const char *const names[] = {"<", "<=", ">", ">="};
    return is_among(part->operator, part->operator_length, names, FETTLE_COUNT_OF(names));
}

/* Patterns and contained values. */
static bool
is_search(const Part *part)
{
    static const char *const names[] = {"~~", "~~*", "~",  "~*", "@>", "<@",
                                        "&&", "@@",  "@?", "?",  "?|", "?&"};
    return is_among(part->operator, part->operator_length, names, FETTLE_COUNT_OF(names));
}

static bool
is_equality(const Part *part)
{
    return part->operator_length == 1 && *part->operator== '=';
}

/* Past a quoted text that begins at at. */
static const char *
skip_quoted(const char *at, const char *end)
{
    char quote = *at++;
    while (at < end && *at != quote)
        at++;
    return at < end ? at + 1 : end;
}

/* The operator that compares; those within its sides ("->>", "||", "+") do not. */
static void
part_find_operator(Part *part)
{
    const char *end = part->text + part->length;
    for (const char *at = part->text; at < end;) {
        if (*at == '\'' || *at == '"') {
            at = skip_quoted(at, end);
            continue;
        }
        size_t length = strspn(at, OPERATOR_CHARACTERS);
        if (length == 0 || at == part->text || at[-1] != ' ' || at + length >= end || at[length] != ' ') {
            at += length == 0 ? 1 : length;
            continue;
        }
        part->operator= at;
        part->operator_length = length;
        if (is_range(part) || is_search(part) || is_equality(part))
            return;
        part->operator= NULL;
        at += length;
    }
}

static size_t
separator_length(const char *at)
{
    return strncmp(at, " AND ", 5) == 0 ? 5 : strncmp(at, " OR ", 4) == 0 ? 4 : 0;
}

/* The next part, from *at on; false at the end. */
static bool
part_next(const char **at, const char *end, Part *ret_part)
{
    const char *start = *at;
    if (start >= end)
        return false;
    const char *stop = start;
    while (stop < end && separator_length(stop) == 0)
        stop = *stop == '\'' || *stop == '"' ? skip_quoted(stop, end) : stop + 1;
    *at = stop < end ? stop + separator_length(stop) : end;
    size_t parentheses = strspn(start, "(");
    if (parentheses > (size_t)(stop - start))
        parentheses = (size_t)(stop - start);
    *ret_part = (Part){.text = start + parentheses, .length = (size_t)(stop - start) - parentheses};
    part_find_operator(ret_part);
    return true;
}

static bool
part_has_parameter(const Part *part)
{
    const char *end = part->text + part->length;
    for (const char *at = part->text; at + 1 < end;) {
        if (*at == '$' && at[1] >= '0' && at[1] <= '9')
            return true;
        at = *at == '\'' || *at == '"' ? skip_quoted(at, end) : at + 1;
    }
    return false;
}

static bool
part_begins_with(const Part *part, const char *column, size_t length)
{
    return column != NULL && part->length > length && strncmp(part->text, column, length) == 0 &&
           part->text[length] == ' ';
}

/* "(lower(a)) = $1": what stands left is in parentheses, and no cast of a column. */
static bool
part_is_of_expression(const Part *part)
{
    return part->operator- part->text >= 2 && part->operator[-2] == ')';
}

static ConditionBasis
part_basis(const Part *part, bool is_generic)
{
    if (part->operator== NULL)
        return CONDITION_ESTIMATED;
    bool is_unknown = is_generic && part_has_parameter(part);
    if ((is_search(part) && is_unknown) || (is_equality(part) && part_is_of_expression(part)))
        return CONDITION_BLIND;
    return is_range(part) && is_unknown ? CONDITION_RANGE : CONDITION_ESTIMATED;
}

/* "a >= $1" and "a <= $2". */
static bool
is_other_bound(const Part *a, const Part *b)
{
    size_t length = (size_t)(a->operator- a->text);
    return length == (size_t)(b->operator- b->text) && strncmp(a->text, b->text, length) == 0 &&
           *a->operator!= * b->operator;
}

ConditionBasis
condition_basis(const char *condition, const char *column, size_t length, bool is_generic)
{
    const char *end = condition + strlen(condition);
    Part bounds[PARTS_MOST];
    size_t bound_count = 0;
    ConditionBasis basis = CONDITION_ESTIMATED;
    const char *at = condition;
    Part part;
    for (size_t i = 0; i < PARTS_MOST && part_next(&at, end, &part); i++) {
        if (part_begins_with(&part, column, length))
            continue;
        ConditionBasis own = part_basis(&part, is_generic);
        for (size_t k = 0; own == CONDITION_RANGE && k < bound_count; k++)
            if (is_other_bound(&bounds[k], &part))
                own = CONDITION_BLIND;
        if (own == CONDITION_RANGE)
            bounds[bound_count++] = part;
        basis = own > basis ? own : basis;
    }
    return basis;
}
