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
begins_with(const char *at, const char *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

/* A value that the planner did not know, outside of quotes. */
static bool
part_has_unknown(const Part *part)
{
    const char *end = part->text + part->length;
    for (const char *at = part->text; at + 1 < end;) {
        if ((*at == '$' && at[1] >= '0' && at[1] <= '9') || begins_with(at, end, "InitPlan ") ||
            begins_with(at, end, "SubPlan "))
            return true;
        at = *at == '\'' || *at == '"' ? skip_quoted(at, end) : at + 1;
    }
    return false;
}

static bool
is_name_character(char character)
{
    return character == '_' || character == '.' || (character >= '0' && character <= '9') ||
           (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

/* "is_due(a)", "NOT is_due(a)", "EXISTS(SubPlan 1)": true or false by what is called. */
static bool
part_is_call(const Part *part)
{
    const char *end = part->text + part->length;
    const char *at = part->text;
    if (begins_with(at, end, "NOT "))
        at += 4;
    while (at < end && *at == '(')
        at++;
    if (begins_with(at, end, "SubPlan ") || begins_with(at, end, "hashed SubPlan "))
        return true;
    const char *name = at;
    while (at < end && is_name_character(*at))
        at++;
    return at > name && at < end && *at == '(';
}

#define ROW "ROW("

/* "(lower(a)) = $1": what stands left is in parentheses, and no cast of a column. */
static bool
part_is_of_expression(const Part *part)
{
    return part->operator- part->text >= 2 && part->operator[-2] ==
        ')' && !begins_with(part->text, part->operator, ROW);
}

static ConditionBasis
part_basis(const Part *part)
{
    if (part->operator== NULL)
        return part_is_call(part) ? CONDITION_RANGE : CONDITION_ESTIMATED;
    bool is_unknown = part_has_unknown(part);
    if ((is_search(part) && is_unknown) || (is_equality(part) && part_is_of_expression(part)))
        return CONDITION_BLIND;
    return is_range(part) && (is_unknown || part_is_of_expression(part)) ? CONDITION_RANGE
                                                                         : CONDITION_ESTIMATED;
}

/* "a >= $1" and "a <= $2". */
static bool
is_other_bound(const Part *a, const Part *b)
{
    if (a->operator== NULL || b->operator== NULL)
        return false;
    size_t length = (size_t)(a->operator- a->text);
    return length == (size_t)(b->operator- b->text) && strncmp(a->text, b->text, length) == 0 &&
           *a->operator!= * b->operator;
}

static size_t
parts_of(const char *condition, Part *parts)
{
    const char *end = condition + strlen(condition);
    const char *at = condition;
    size_t count = 0;
    while (count < PARTS_MOST && part_next(&at, end, &parts[count]))
        count++;
    return count;
}

static ConditionBasis
parts_basis(const Part *parts, size_t count)
{
    ConditionBasis basis = CONDITION_ESTIMATED;
    for (size_t i = 0; i < count; i++) {
        ConditionBasis own = part_basis(&parts[i]);
        for (size_t k = 0; own == CONDITION_RANGE && k < i; k++)
            if (part_basis(&parts[k]) == CONDITION_RANGE && is_other_bound(&parts[k], &parts[i]))
                own = CONDITION_BLIND;
        basis = own > basis ? own : basis;
    }
    return basis;
}

ConditionBasis
condition_basis(const char *condition)
{
    Part parts[PARTS_MOST];
    return parts_basis(parts, parts_of(condition, parts));
}

bool
condition_reads_document(const char *text, size_t length)
{
    for (size_t i = 0; i + 1 < length; i++)
        if ((text[i] == '-' || text[i] == '#') && text[i + 1] == '>')
            return true;
    return false;
}

bool
condition_searches(const char *condition)
{
    Part parts[PARTS_MOST];
    size_t count = parts_of(condition, parts);
    for (size_t i = 0; i < count; i++)
        if (parts[i].operator!=
            NULL &&(is_search(&parts[i]) ||
                    condition_reads_document(parts[i].text, (size_t)(parts[i].operator- parts[i].text))))
            return true;
    return false;
}

/* What a part compares, as far as it can be one key: "a" of "a >= $1" and of "ROW(a, b) > ROW($1, $2)". */
typedef struct KeyName {
    const char *text;
    size_t length;
} KeyName;

static KeyName
key_name(const char *text, const char *end)
{
    while (text < end && *text == '(')
        text++;
    if (begins_with(text, end, ROW))
        text += strlen(ROW);
    const char *stop = text;
    while (stop < end && strchr(" ),:[", *stop) == NULL)
        stop = *stop == '\'' || *stop == '"' ? skip_quoted(stop, end) : stop + 1;
    return (KeyName){.text = text, .length = (size_t)(stop - text)};
}

/* An expression's name is its beginning: "lower(email" is that of "lower(email)". A condition quotes a column
 * where the key, a column's bare name, does not. */
static bool
key_is_named(KeyName key, const char *whole, KeyName name)
{
    if (whole != NULL && name.length >= 2 && *name.text == '"')
        return strlen(whole) == name.length - 2 && memcmp(whole, name.text + 1, name.length - 2) == 0;
    return key.length == name.length && memcmp(key.text, name.text, key.length) == 0;
}

static bool
part_is_equality(const Part *part)
{
    static const char is_null[] = " IS NULL";
    const char *end = part->text + part->length;
    for (const char *at = part->text; part->operator== NULL && at<end; at++)
        if (begins_with(at, end, is_null))
            return true;
    return part->operator!= NULL && is_equality(part);
}

/* Takes out the parts that compare the key (whole: as the index has it; NULL: it is of a condition); true
 * when one of them is an equality. */
static bool
parts_take_out(Part *parts, size_t *count, KeyName key, const char *whole)
{
    bool is_equal = false;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (!key_is_named(key, whole, key_name(parts[i].text, parts[i].text + parts[i].length))) {
            parts[kept++] = parts[i];
            continue;
        }
        is_equal = is_equal || part_is_equality(&parts[i]);
    }
    *count = kept;
    return is_equal;
}

bool
condition_beside_keys(const char *condition, const char *const *keys, size_t key_count,
                      ConditionBasis *ret_basis)
{
    Part parts[PARTS_MOST];
    size_t count = parts_of(condition, parts);
    bool goes_on = true;
    for (size_t i = 0; goes_on && count > 0 && (key_count == 0 || i < key_count); i++) {
        const char *text = key_count == 0 ? parts[0].text : keys[i];
        const char *end = key_count == 0 ? text + parts[0].length : text + strlen(text);
        goes_on = parts_take_out(parts, &count, key_name(text, end), key_count == 0 ? NULL : text);
    }
    *ret_basis = parts_basis(parts, count);
    return count > 0;
}
