// SPDX-License-Identifier: PostgreSQL
#include "advise/index/definition.h"

#include "pg/identifier.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Letters and digits of an expression, for a name: "lower(email)" gives "lower_email". */
static void
name_append_expression(Text *name, const char *expression)
{
    bool gap = false;
    for (const char *at = expression; *at != '\0'; at++) {
        bool is_word = isalnum((unsigned char)*at) || *at == '_' || ((unsigned char)*at & 0x80) != 0;
        if (is_word && gap)
            text_append_char(name, '_');
        if (is_word)
            text_append_char(name, (char)tolower((unsigned char)*at));
        gap = !is_word && name->length > 0 && name->data[name->length - 1] != '_';
    }
}

static bool
name_is_taken(const Snapshot *snapshot, const char *schema, const char *name, const Map *taken)
{
    if (map_get(taken, name) != NULL || snapshot_relation_named(snapshot, schema, name) != NULL)
        return true;
    for (size_t i = 0; i < snapshot->index_count; i++)
        if (text_equals(snapshot->indexes[i].schema, schema) && text_equals(snapshot->indexes[i].name, name))
            return true;
    return false;
}

/* base cut so that base and suffix fit an identifier, at a character. */
static char *
name_with_suffix(Arena *arena, const char *base, const char *suffix)
{
    size_t room = PG_IDENTIFIER_BYTES - strlen(suffix);
    size_t length = strlen(base);
    if (length > room) {
        length = room;
        while (length > 0 && ((unsigned char)base[length] & 0xC0) == 0x80)
            length--;
    }
    return arena_printf(arena, "%.*s%s", (int)length, base, suffix);
}

char *
index_name_choose(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, Map *taken)
{
    Text base = text_new(arena);
    text_append(&base, candidate->relation->name);
    for (size_t i = 0; i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        text_append_char(&base, '_');
        if (key->attnum == 0)
            name_append_expression(&base, key->expression);
        else
            text_append(&base, candidate->relation->columns[key->attnum - 1].name);
    }
    if (candidate->included.count > 0)
        text_append(&base, "_covering");
    if (candidate->predicate != NULL)
        text_append(&base, "_partial");
    if (candidate->method != CANDIDATE_BTREE)
        text_append_format(&base, "_%s", candidate_method_word(candidate->method));
    char *name = name_with_suffix(arena, base.data, "_idx");
    for (int number = 1; name_is_taken(snapshot, candidate->relation->schema, name, taken); number++) {
        char suffix[32];
        snprintf(suffix, sizeof(suffix), "_idx%d", number);
        name = name_with_suffix(arena, base.data, suffix);
    }
    map_put(taken, name, name);
    return name;
}

typedef struct PartitionScript {
    Arena *arena;
    const Snapshot *snapshot;
    Map *taken;
    Text *text;
    int depth;
} PartitionScript;

#define PARTITION_DEPTH_MOST 32

static bool
relation_is_child_of(const SnapshotRelation *relation, uint32_t parent)
{
    for (size_t i = 0; relation->is_partition && i < relation->parent_count; i++)
        if (relation->parents[i].relation_id == parent)
            return true;
    return false;
}

static bool
columns_for_partition(Arena *arena, const Candidate *candidate, const SnapshotRelation *partition,
                      CandidateColumns *columns)
{
    int *own = ARENA_NEW_ARRAY(arena, int, columns->count + 1);
    for (size_t i = 0; i < columns->count; i++) {
        const char *name = candidate->relation->columns[columns->items[i] - 1].name;
        const SnapshotColumn *column = snapshot_column_named(partition, name);
        if (column == NULL)
            return false;
        own[i] = column->attnum;
    }
    columns->items = own;
    return true;
}

/* The same index of a partition: columns go by name, since partitions may order theirs differently. */
static bool
candidate_for_partition(Arena *arena, const Candidate *candidate, const SnapshotRelation *partition,
                        Candidate *ret_candidate)
{
    *ret_candidate = *candidate;
    ret_candidate->relation = partition;
    if (!columns_for_partition(arena, candidate, partition, &ret_candidate->included))
        return false;
    for (size_t i = 0; i < candidate->key_count; i++) {
        if (candidate->keys[i].attnum == 0)
            continue;
        const char *name = candidate->relation->columns[candidate->keys[i].attnum - 1].name;
        const SnapshotColumn *column = snapshot_column_named(partition, name);
        if (column == NULL)
            return false;
        ret_candidate->keys[i].attnum = column->attnum;
    }
    return true;
}

/* CREATE INDEX ... ON ONLY parent: makes the parent's part alone, at once. */
static char *
create_on_only(Arena *arena, const Candidate *candidate, const char *name)
{
    return arena_printf(arena, "CREATE INDEX %s ON ONLY %s USING %s", pg_identifier_quote(arena, name),
                        pg_identifier_qualify(arena, candidate->relation->schema, candidate->relation->name),
                        candidate_text(arena, candidate));
}

static void
partition_script_append(PartitionScript *script, const Candidate *parent, const char *parent_name)
{
    if (script->depth >= PARTITION_DEPTH_MOST)
        return;
    script->depth++;
    Arena *arena = script->arena;
    for (size_t i = 0; i < script->snapshot->relation_count; i++) {
        const SnapshotRelation *partition = &script->snapshot->relations[i];
        Candidate own;
        if (!relation_is_child_of(partition, parent->relation->id) || partition->kind == 'f' ||
            !candidate_for_partition(arena, parent, partition, &own))
            continue;
        const char *name = index_name_choose(arena, script->snapshot, &own, script->taken);
        bool is_leaf = partition->kind != 'p';
        text_append_format(script->text, "%s;\n",
                           is_leaf ? candidate_create_statement(arena, &own, name, true)
                                   : create_on_only(arena, &own, name));
        if (!is_leaf)
            partition_script_append(script, &own, name);
        text_append_format(script->text, "ALTER INDEX %s ATTACH PARTITION %s;\n",
                           pg_identifier_qualify(arena, parent->relation->schema, parent_name),
                           pg_identifier_qualify(arena, partition->schema, name));
    }
    script->depth--;
}

char *
index_create_script(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, const char *name,
                    Map *taken)
{
    if (candidate->relation->kind != 'p')
        return arena_printf(arena, "%s;", candidate_create_statement(arena, candidate, name, true));
    Text text = text_new(arena);
    PartitionScript script = {.arena = arena, .snapshot = snapshot, .taken = taken, .text = &text};
    text_append_format(&text, "%s;\n", create_on_only(arena, candidate, name));
    partition_script_append(&script, candidate, name);
    text_truncate(&text, text.length - 1);
    return text.data;
}

char *
index_undo_script(Arena *arena, const Candidate *candidate, const char *name)
{
    return arena_printf(arena, "DROP INDEX %s%s;", candidate->relation->kind == 'p' ? "" : "CONCURRENTLY ",
                        pg_identifier_qualify(arena, candidate->relation->schema, name));
}
