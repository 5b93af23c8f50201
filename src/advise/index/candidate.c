// SPDX-License-Identifier: PostgreSQL
#include "advise/index/candidate.h"

#include "pg/identifier.h"

#include <ctype.h>
#include <string.h>

const char *
candidate_method_word(CandidateMethod method)
{
    switch (method) {
        case CANDIDATE_BTREE: return "btree";
        case CANDIDATE_HASH: return "hash";
        case CANDIDATE_GIN: return "gin";
        case CANDIDATE_GIST: return "gist";
        case CANDIDATE_SPGIST: return "spgist";
        case CANDIDATE_BRIN: return "brin";
    }
    return "btree";
}

static void
column_append(const Candidate *candidate, int attnum, Text *text)
{
    text_append(text, pg_identifier_quote(text->arena, candidate->relation->columns[attnum - 1].name));
}

static void
candidate_keys_append(const Candidate *candidate, Text *text)
{
    for (size_t i = 0; i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        if (i > 0)
            text_append(text, ", ");
        if (key->attnum == 0)
            text_append_format(text, "(%s)", key->expression);
        else
            column_append(candidate, key->attnum, text);
        if (key->operator_class != NULL)
            text_append_format(text, " %s", key->operator_class);
        if (key->is_descending)
            text_append(text, " DESC");
        if (key->is_nulls_first != key->is_descending)
            text_append(text, key->is_nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void
candidate_append(const Candidate *candidate, Text *text)
{
    text_append_format(text, "%s (", candidate_method_word(candidate->method));
    candidate_keys_append(candidate, text);
    text_append_char(text, ')');
    for (size_t i = 0; i < candidate->included.count; i++) {
        text_append(text, i == 0 ? " INCLUDE (" : ", ");
        column_append(candidate, candidate->included.items[i], text);
    }
    if (candidate->included.count > 0)
        text_append_char(text, ')');
    if (candidate->options != NULL)
        text_append_format(text, " WITH (%s)", candidate->options);
    if (candidate->predicate != NULL)
        text_append_format(text, " WHERE (%s)", candidate->predicate);
}

char *
candidate_key_text(Arena *arena, const Candidate *candidate)
{
    Text text = text_new(arena);
    candidate_keys_append(candidate, &text);
    return text.data;
}

char *
candidate_text(Arena *arena, const Candidate *candidate)
{
    Text text = text_new(arena);
    candidate_append(candidate, &text);
    return text.data;
}

char *
candidate_create_statement(Arena *arena, const Candidate *candidate, const char *name, bool concurrently)
{
    Text text = text_new(arena);
    const SnapshotRelation *relation = candidate->relation;
    text_append_format(&text, "CREATE INDEX %s%s ON %s USING ", concurrently ? "CONCURRENTLY " : "",
                       pg_identifier_quote(arena, name),
                       pg_identifier_qualify(arena, relation->schema, relation->name));
    candidate_append(candidate, &text);
    return text.data;
}

bool
candidate_columns_have(CandidateColumns columns, int attnum)
{
    for (size_t i = 0; i < columns.count; i++)
        if (columns.items[i] == attnum)
            return true;
    return false;
}

bool
candidate_reads_column(const Candidate *candidate, int attnum)
{
    for (size_t i = 0; i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        if (key->attnum == attnum || candidate_columns_have(key->reads, attnum))
            return true;
    }
    return candidate_columns_have(candidate->included, attnum) ||
           candidate_columns_have(candidate->restricted, attnum);
}

/* Past what pg_get_expr() writes and a statement need not: blanks, parentheses, casts of texts to text. */
static const char *
skip_decoration(const char *at)
{
    static const char *const casts[] = {"::text", "::character varying", "::bpchar"};
    for (;;) {
        const char *start = at;
        while (isspace((unsigned char)*at) || *at == '(' || *at == ')')
            at++;
        for (size_t i = 0; i < FETTLE_COUNT_OF(casts); i++)
            if (strncmp(at, casts[i], strlen(casts[i])) == 0)
                at += strlen(casts[i]);
        if (at == start)
            return at;
    }
}

/* The same expression, as far as its text tells. A wrong yes would only leave an idea out, a wrong no offers
 * the planner what it has already. */
static bool
expression_equals(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    bool in_text = false;
    for (;;) {
        if (!in_text) {
            a = skip_decoration(a);
            b = skip_decoration(b);
        }
        if (*a != *b)
            return false;
        if (*a == '\0')
            return true;
        in_text = in_text != (*a == '\'');
        a++;
        b++;
    }
}

static bool
key_matches(const CandidateKey *key, const SnapshotIndexColumn *column)
{
    if (column->is_included || key->attnum != column->attnum)
        return false;
    if (key->attnum == 0 && !expression_equals(key->expression, column->expression))
        return false;
    if (key->operator_class == NULL)
        return column->is_default_operator_class;
    if (column->operator_class == NULL)
        return false;
    const char *point = strrchr(key->operator_class, '.');
    return text_ends_with(column->operator_class, point == NULL ? key->operator_class : point + 1);
}

static bool
index_has_column(const SnapshotIndex *index, int attnum)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (index->columns[i].attnum == attnum)
            return true;
    return false;
}

static bool
keys_are_among(const Candidate *candidate, const SnapshotIndex *index)
{
    for (size_t i = 0; i < candidate->key_count; i++) {
        bool found = false;
        for (size_t k = 0; k < index->column_count; k++)
            found = found || key_matches(&candidate->keys[i], &index->columns[k]);
        if (!found)
            return false;
    }
    return true;
}

static bool
keys_lead(const Candidate *candidate, const SnapshotIndex *index)
{
    bool same_direction = true;
    bool reversed = true;
    for (size_t i = 0; i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        const SnapshotIndexColumn *column = &index->columns[i];
        if (!key_matches(key, column))
            return false;
        bool same_nulls = key->is_nulls_first == column->is_nulls_first;
        same_direction = same_direction && key->is_descending == column->is_descending && same_nulls;
        reversed = reversed && key->is_descending != column->is_descending && !same_nulls;
    }
    return same_direction || reversed;
}

bool
candidate_is_covered_by(const Candidate *candidate, const SnapshotIndex *index)
{
    if (!index->is_valid || !text_equals(index->method, candidate_method_word(candidate->method)) ||
        !expression_equals(candidate->predicate, index->predicate) ||
        index->column_count < candidate->key_count)
        return false;
    for (size_t i = 0; i < candidate->included.count; i++)
        if (!index_has_column(index, candidate->included.items[i]))
            return false;
    if (candidate->method == CANDIDATE_GIN || candidate->method == CANDIDATE_BRIN)
        return keys_are_among(candidate, index);
    return keys_lead(candidate, index);
}

static bool
key_equals(const CandidateKey *a, const CandidateKey *b)
{
    return a->attnum == b->attnum && text_equals(a->expression, b->expression) &&
           text_equals(a->operator_class, b->operator_class) && a->is_descending == b->is_descending &&
           a->is_nulls_first == b->is_nulls_first;
}

static bool
candidate_has_plain_column(const Candidate *candidate, int attnum)
{
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum == attnum)
            return true;
    return candidate_columns_have(candidate->included, attnum);
}

/* The same table, method, predicate and options, and the first keys of a lead b. */
static bool
leads(const Candidate *a, size_t key_count, const Candidate *b)
{
    if (a->relation != b->relation || a->method != b->method || key_count > b->key_count ||
        !text_equals(a->predicate, b->predicate) || !text_equals(a->options, b->options))
        return false;
    for (size_t i = 0; i < key_count; i++)
        if (!key_equals(&a->keys[i], &b->keys[i]))
            return false;
    return true;
}

bool
candidate_is_prefix(const Candidate *a, const Candidate *b)
{
    if (!leads(a, a->key_count, b))
        return false;
    for (size_t i = 0; i < a->included.count; i++)
        if (!candidate_has_plain_column(b, a->included.items[i]))
            return false;
    return true;
}

/* Does the statement read the column of the relation, as far as is known? */
static bool
is_needed(const SqlAnalysis *analysis, const SnapshotRelation *relation, int attnum)
{
    bool is_named = false;
    for (size_t u = 0; u < analysis->use_count; u++) {
        const SqlRelationUse *use = &analysis->uses[u];
        if (use->relation_id != relation->id)
            continue;
        is_named = true;
        if (sql_use_needs_column(use, attnum))
            return true;
    }
    return !is_named; /* behind a view, or a partition */
}

/* Keys up to the last that the statement could ask of. */
static size_t
keys_that_serve(const Candidate *candidate, const SqlAnalysis *analysis)
{
    size_t count = candidate->key_count;
    while (count > 0 && candidate->keys[count - 1].attnum > 0 &&
           !is_needed(analysis, candidate->relation, candidate->keys[count - 1].attnum))
        count--;
    return count;
}

bool
candidate_serves_as(const Candidate *candidate, const Candidate *other, const SqlAnalysis *analysis)
{
    if (candidate == other)
        return true;
    if (other->method != CANDIDATE_BTREE || !leads(other, keys_that_serve(other, analysis), candidate))
        return false;
    for (size_t i = 0; i < other->included.count; i++)
        if (is_needed(analysis, other->relation, other->included.items[i]) &&
            !candidate_has_plain_column(candidate, other->included.items[i]))
            return false;
    return true;
}

bool
candidate_leads_alike(const Candidate *a, const Candidate *b)
{
    return a->relation == b->relation && a->method == b->method && a->keys[0].attnum == b->keys[0].attnum &&
           text_equals(a->keys[0].expression, b->keys[0].expression);
}
