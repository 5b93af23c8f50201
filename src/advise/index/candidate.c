// SPDX-License-Identifier: PostgreSQL
#include "advise/index/candidate.h"

#include "pg/identifier.h"

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
            text_append(text,
                        pg_identifier_quote(text->arena, candidate->relation->columns[key->attnum - 1].name));
        if (key->operator_class != NULL)
            text_append_format(text, " %s", key->operator_class);
        if (key->is_descending)
            text_append(text, " DESC");
        if (key->is_nulls_first != key->is_descending)
            text_append(text, key->is_nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

char *
candidate_key_text(Arena *arena, const Candidate *candidate)
{
    Text text = text_new(arena);
    candidate_keys_append(candidate, &text);
    return text.data;
}

char *
candidate_create_statement(Arena *arena, const Candidate *candidate, const char *name, bool concurrently)
{
    Text text = text_new(arena);
    const SnapshotRelation *relation = candidate->relation;
    text_append_format(&text, "CREATE INDEX %s%s ON %s USING btree (", concurrently ? "CONCURRENTLY " : "",
                       pg_identifier_quote(arena, name),
                       pg_identifier_qualify(arena, relation->schema, relation->name));
    candidate_keys_append(candidate, &text);
    text_append_char(&text, ')');
    return text.data;
}

static bool
key_matches(const CandidateKey *key, const SnapshotIndexColumn *column)
{
    if (column->is_included || key->attnum != column->attnum)
        return false;
    if (key->attnum == 0 && !text_equals(key->expression, column->expression))
        return false;
    return key->operator_class == NULL ? column->is_default_operator_class
                                       : column->operator_class != NULL &&
                                             text_ends_with(column->operator_class, key->operator_class);
}

bool
candidate_is_covered_by(const Candidate *candidate, const SnapshotIndex *index)
{
    if (!index->is_valid || index->predicate != NULL || !text_equals(index->method, "btree"))
        return false;
    if (index->column_count < candidate->key_count)
        return false;
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

static bool
key_equals(const CandidateKey *a, const CandidateKey *b)
{
    return a->attnum == b->attnum && text_equals(a->expression, b->expression) &&
           text_equals(a->operator_class, b->operator_class) && a->is_descending == b->is_descending &&
           a->is_nulls_first == b->is_nulls_first;
}

bool
candidate_is_prefix(const Candidate *a, const Candidate *b)
{
    if (a->relation != b->relation || a->key_count > b->key_count)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (!key_equals(&a->keys[i], &b->keys[i]))
            return false;
    return true;
}
