// SPDX-License-Identifier: PostgreSQL
#include "advise/index/partition_script.h"

#include "pg/identifier.h"
#include "sql/index_statement.h"

#include <string.h>

#define PARTITION_DEPTH_MOST 32
#define ON_ONLY " ON ONLY "
#define IF_NOT_EXISTS " IF NOT EXISTS"
#define AGAIN_SUFFIX "_again_idx"

VECTOR_DEFINE(IndexList, const SnapshotIndex *);

typedef struct PartitionScript {
    Arena *arena;
    const Snapshot *snapshot;
    Map *taken;
    Text *create;
    Text *attached;
    IndexList kept; /* what was there and is no part of anything else that was: the undo brings it back */
    int depth;
} PartitionScript;

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

static const char *
index_qualified(Arena *arena, const SnapshotIndex *index)
{
    return pg_identifier_qualify(arena, index->schema, index->name);
}

/* CREATE INDEX ... ON ONLY parent: makes the parent's part alone, at once. */
static char *
create_on_only(Arena *arena, const Candidate *candidate, const char *name)
{
    return arena_printf(arena, "CREATE INDEX %s ON ONLY %s USING %s", pg_identifier_quote(arena, name),
                        pg_identifier_qualify(arena, candidate->relation->schema, candidate->relation->name),
                        candidate_text(arena, candidate));
}

/* Parsed as if it were of a plain table; false: it cannot be. */
static bool
definition_parse(Arena *arena, const SnapshotIndex *index, const char *name, SqlIndexStatement *ret_statement)
{
    Error unreadable = {0};
    char *text = arena_strdup(arena, index->definition);
    char *only = index->is_partitioned ? strstr(text, ON_ONLY) : NULL;
    if (only != NULL)
        memmove(only + strlen(" ON "), only + strlen(ON_ONLY), strlen(only + strlen(ON_ONLY)) + 1);
    return sql_index_statement_parse(arena, text, &(SqlIndexNames){.name = name}, ret_statement, &unreadable);
}

/* The very same: whoever is attached must be, or the server refuses it. Where the server writes an expression
 * otherwise than the candidate does, that is not seen, and the index is built beside. So it is of one that
 * its table is clustered by: the undo's copy would not be. */
static bool
index_is_candidate(Arena *arena, const SnapshotIndex *index, const Candidate *candidate)
{
    SqlIndexStatement found;
    SqlIndexStatement wanted;
    Error unreadable = {0};
    const char *statement = candidate_create_statement(arena, candidate, "same", false);
    return index->relation_id == candidate->relation->id && index->constraint_id == 0 &&
           index->extension_id == 0 && !index->is_clustered && index->is_ready && !index->is_being_built &&
           definition_parse(arena, index, NULL, &found) &&
           sql_index_statement_parse(arena, statement, &(SqlIndexNames){0}, &wanted, &unreadable) &&
           strcmp(found.shape, wanted.shape) == 0;
}

/* The part of parent that a table has; parent 0: an index of its own that is of no parent. */
static const SnapshotIndex *
part_find(Arena *arena, const Candidate *candidate, uint32_t parent)
{
    const SnapshotIndexList *indexes = &candidate->relation->indexes;
    for (size_t i = 0; i < indexes->count; i++) {
        const SnapshotIndex *index = indexes->items[i];
        if (index->parent_id == parent && (parent != 0 || index_is_candidate(arena, index, candidate)) &&
            (parent != 0 || index->is_valid || index->is_partitioned))
            return index;
    }
    return NULL;
}

/* One with an invalid part of a leaf never becomes valid by attaching others, and one with a part that its
 * table is clustered by is not brought back by the undo. */
static bool
can_be_completed(const Snapshot *snapshot, const SnapshotIndex *index, int depth)
{
    for (size_t i = 0; i < snapshot->index_count && depth < PARTITION_DEPTH_MOST; i++) {
        const SnapshotIndex *part = &snapshot->indexes[i];
        if (part->parent_id != index->id)
            continue;
        if (part->is_clustered || (!part->is_valid && !part->is_partitioned) ||
            (part->is_partitioned && !can_be_completed(snapshot, part, depth + 1)))
            return false;
    }
    return depth < PARTITION_DEPTH_MOST;
}

static const SnapshotIndex *
free_part_find(PartitionScript *script, const Candidate *candidate)
{
    const SnapshotIndex *found = part_find(script->arena, candidate, 0);
    return found == NULL || can_be_completed(script->snapshot, found, 0) ? found : NULL;
}

static void script_append_parts(PartitionScript *script, const Candidate *candidate, const char *name,
                                uint32_t existing);

/* The part of one partition; existing: the index of the parent that is there, 0: none. */
static void
script_append_part(PartitionScript *script, const Candidate *own, const char *parent, uint32_t existing)
{
    Arena *arena = script->arena;
    const SnapshotIndex *part = existing == 0 ? NULL : part_find(arena, own, existing);
    bool is_part = part != NULL;
    if (!is_part)
        part = free_part_find(script, own);
    const char *name =
        part != NULL ? part->name : index_name_choose(arena, script->snapshot, own, script->taken);
    bool is_leaf = own->relation->kind != 'p';
    if (part == NULL)
        text_append_format(script->create, "%s;\n",
                           is_leaf ? candidate_create_statement(arena, own, name, true)
                                   : create_on_only(arena, own, name));
    else if (!is_part)
        vector_push(arena, &script->kept, part);
    if (!is_leaf && (part == NULL || !part->is_valid))
        script_append_parts(script, own, name, part == NULL ? 0 : part->id);
    if (is_part)
        return;
    const char *qualified = pg_identifier_qualify(arena, own->relation->schema, name);
    text_append_format(script->create, "ALTER INDEX %s ATTACH PARTITION %s;\n", parent, qualified);
    if (part != NULL)
        text_append_format(script->attached, "%s%s", script->attached->length == 0 ? "" : ", ", qualified);
}

static void
script_append_parts(PartitionScript *script, const Candidate *candidate, const char *name, uint32_t existing)
{
    Arena *arena = script->arena;
    const char *parent = pg_identifier_qualify(arena, candidate->relation->schema, name);
    if (script->depth >= PARTITION_DEPTH_MOST)
        return;
    script->depth++;
    for (size_t i = 0; i < script->snapshot->relation_count; i++) {
        const SnapshotRelation *partition = &script->snapshot->relations[i];
        Candidate own;
        if (relation_is_child_of(partition, candidate->relation->id) && partition->kind != 'f' &&
            candidate_for_partition(arena, candidate, partition, &own))
            script_append_part(script, &own, parent, existing);
    }
    script->depth--;
}

/* Before: what makes each leaf of what was there once more. After: what puts all of it together as it was. */
typedef struct KeptUndo {
    PartitionScript *script;
    Text *before;
    Text *after;
} KeptUndo;

/* An invalid copy that a run which broke off left is not to pass for one that was built. */
static const char *
without_if_not_exists(Arena *arena, const char *statement)
{
    const char *at = strstr(statement, IF_NOT_EXISTS); /* before any name, which might hold the words too */
    fettle_assert(at != NULL);
    return arena_printf(arena, "%.*s%s", (int)(at - statement), statement, at + strlen(IF_NOT_EXISTS));
}

static void
kept_append(KeptUndo *undo, const SnapshotIndex *index, int depth)
{
    Arena *arena = undo->script->arena;
    const Snapshot *snapshot = undo->script->snapshot;
    SqlIndexStatement copy;
    if (!index->is_partitioned) {
        const char *name =
            index_name_free(arena, snapshot, index->schema, index->name, AGAIN_SUFFIX, undo->script->taken);
        bool is_read = definition_parse(arena, index, name, &copy);
        fettle_assert(is_read);
        text_append_format(undo->before, "%s;\n", without_if_not_exists(arena, copy.text));
        text_append_format(undo->after, "ALTER INDEX %s RENAME TO %s;\n",
                           pg_identifier_qualify(arena, index->schema, name),
                           pg_identifier_quote(arena, index->name));
        return;
    }
    Text attachments = text_new(arena);
    for (size_t i = 0; i < snapshot->index_count && depth < PARTITION_DEPTH_MOST; i++) {
        const SnapshotIndex *part = &snapshot->indexes[i];
        if (part->parent_id != index->id)
            continue;
        kept_append(undo, part, depth + 1);
        text_append_format(&attachments, "ALTER INDEX %s ATTACH PARTITION %s;\n",
                           index_qualified(arena, index), index_qualified(arena, part));
    }
    text_append_format(undo->after, "%s;\n%s", index->definition, attachments.data);
}

static const char *
undo_text(PartitionScript *script, const char *dropped)
{
    Text before = text_new(script->arena);
    Text after = text_new(script->arena);
    KeptUndo undo = {.script = script, .before = &before, .after = &after};
    for (size_t i = 0; i < script->kept.count; i++)
        kept_append(&undo, script->kept.items[i], 0);
    text_append_format(&before, "DROP INDEX %s;\n%s", dropped, after.data);
    text_truncate(&before, before.length - 1);
    return before.data;
}

/* existing: the index that is to be completed; NULL: a new one is made. False: nothing is to be done. */
static bool
script_append(PartitionScript *script, const Candidate *candidate, const char *name,
              const SnapshotIndex *existing)
{
    if (existing == NULL)
        text_append_format(script->create, "%s;\n", create_on_only(script->arena, candidate, name));
    else
        vector_push(script->arena, &script->kept, existing);
    script_append_parts(script, candidate, existing == NULL ? name : existing->name,
                        existing == NULL ? 0 : existing->id);
    return script->create->length > 0;
}

void
partition_scripts(Arena *arena, const Snapshot *snapshot, const Candidate *candidate, const char *name,
                  Map *taken, IndexScripts *ret_scripts)
{
    Text create = text_new(arena);
    Text attached = text_new(arena);
    PartitionScript script = {
        .arena = arena, .snapshot = snapshot, .taken = taken, .create = &create, .attached = &attached};
    const SnapshotIndex *existing = free_part_find(&script, candidate);
    /* one that lacks nothing and is not valid all the same is no use */
    if (!script_append(&script, candidate, name, existing)) {
        script.kept.count = 0;
        existing = NULL;
        (void)script_append(&script, candidate, name, NULL);
    }
    const char *parent = existing == NULL ? name : existing->name;
    text_truncate(&create, create.length - 1);
    const char *qualified = pg_identifier_qualify(arena, candidate->relation->schema, parent);
    *ret_scripts = (IndexScripts){.create = create.data,
                                  .undo = undo_text(&script, qualified),
                                  .attached = attached.length == 0 ? NULL : attached.data,
                                  .completed = existing == NULL ? NULL : qualified,
                                  .completed_name = existing == NULL ? NULL : existing->name};
}
