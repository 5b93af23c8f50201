// SPDX-License-Identifier: PostgreSQL
#include "workload/issue_internal.h"

#include <math.h>
#include <string.h>

static const char *
key_of(Arena *arena, const char *database_name, const char *schema, const char *name)
{
    return arena_printf(arena, "%s\001%s\001%s", database_name, schema, name);
}

static const char *
name_key_of(Arena *arena, const char *database_name, const char *name)
{
    return arena_printf(arena, "%s\001%s", database_name, name);
}

IssueCatalog
issue_catalog_new(Arena *arena)
{
    return (IssueCatalog){.arena = arena,
                          .tables = map_new(arena),
                          .tables_by_name = map_new(arena),
                          .indexes = map_new(arena),
                          .size_bytes = NAN};
}

/* The table, new when it was not there: *ret_is_new. */
static IssueTable *
table_take(IssueCatalog *catalog, const char *database_name, const char *schema, const char *name,
           bool *ret_is_new)
{
    Arena *arena = catalog->arena;
    const char *key = key_of(arena, database_name, schema, name);
    IssueTable *table = map_get(catalog->tables, key);
    *ret_is_new = table == NULL;
    if (table != NULL)
        return table;
    table = ARENA_NEW(arena, IssueTable);
    *table = (IssueTable){.database_name = database_name,
                          .schema = schema,
                          .name = name,
                          .row_count = NAN,
                          .changed_rows = NAN};
    map_put(catalog->tables, key, table);
    const char *name_key = name_key_of(arena, database_name, name);
    IssueTables *tables = map_get(catalog->tables_by_name, name_key);
    if (tables == NULL) {
        tables = ARENA_NEW(arena, IssueTables);
        map_put(catalog->tables_by_name, name_key, tables);
    }
    vector_push(arena, tables, table);
    return table;
}

static void
index_take(IssueCatalog *catalog, const char *database_name, const RelationRow *row)
{
    const char *key = name_key_of(catalog->arena, database_name, row->relation_name);
    IssueIndex *index = map_get(catalog->indexes, key);
    bool is_known = index == NULL && row->scans > 0 && row->rows_read >= 0;
    if (index == NULL) {
        index = ARENA_NEW(catalog->arena, IssueIndex);
        map_put(catalog->indexes, key, index);
    }
    index->rows_per_scan = is_known ? (double)row->rows_read / (double)row->scans : NAN;
}

void
issue_catalog_add_round(IssueCatalog *catalog, const char *database_name, const RelationRound *round)
{
    if (isnan(catalog->size_bytes))
        catalog->size_bytes = 0;
    for (size_t i = 0; i < round->row_count; i++) {
        const RelationRow *row = &round->rows[i];
        bool is_new;
        if (row->size_bytes > 0)
            catalog->size_bytes += (double)row->size_bytes;
        if (row->kind == 'i') {
            index_take(catalog, database_name, row);
            continue;
        }
        if (strchr("rmp", row->kind) == NULL)
            continue;
        IssueTable *table = table_take(catalog, database_name, row->schema_name, row->relation_name, &is_new);
        table->row_count = row->row_estimate >= 0 ? row->row_estimate : NAN;
        if (isnan(table->row_count) && row->live_rows > 0)
            table->row_count = (double)row->live_rows;
        table->analyzed_at_us = row->analyzed_at_us;
        /* the collector tells no rows of a partitioned table, analysed or not */
        table->was_never_analyzed = row->analyzed_at_us == 0 && row->row_estimate < 0 && row->kind != 'p';
    }
}

/* Before version 14 a partitioned table has 0, however many rows are in its partitions. */
static double
rows_of(const SnapshotRelation *relation)
{
    bool is_known = relation->kind == 'p' ? relation->reltuples > 0 : relation->reltuples >= 0;
    return is_known ? relation->reltuples : NAN;
}

void
issue_catalog_add_snapshot(IssueCatalog *catalog, const FactCatalog *schema)
{
    const Snapshot *snapshot = schema->snapshot;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        const SnapshotActivity *activity = &relation->activity;
        bool is_new;
        if (strchr("rmp", relation->kind) == NULL)
            continue;
        IssueTable *table =
            table_take(catalog, schema->database_name, relation->schema, relation->name, &is_new);
        table->relation = relation;
        table->root = snapshot_relation_root(snapshot, relation);
        if (activity->is_known)
            table->changed_rows = (double)activity->modified_since_analyze;
        if (!is_new && relation->kind != 'p') {
            table->was_never_analyzed = table->was_never_analyzed && relation->statistics.count == 0;
            continue;
        }
        table->row_count = rows_of(relation);
        table->was_never_analyzed = table->analyzed_at_us == 0 && relation->reltuples < 0 &&
                                    activity->is_known && activity->last_analyze == NULL &&
                                    relation->statistics.count == 0;
    }
}

static const IssueTables *
tables_named(const IssueCatalog *catalog, const char *database_name, const char *name)
{
    ArenaMark mark = arena_mark(catalog->arena);
    const IssueTables *tables =
        map_get(catalog->tables_by_name, name_key_of(catalog->arena, database_name, name));
    arena_rewind(catalog->arena, mark);
    return tables;
}

const IssueTable *
issue_table_named(const IssueCatalog *catalog, const char *database_name, const char *schema,
                  const char *name)
{
    ArenaMark mark = arena_mark(catalog->arena);
    if (schema[0] != '\0') {
        const IssueTable *table =
            map_get(catalog->tables, key_of(catalog->arena, database_name, schema, name));
        arena_rewind(catalog->arena, mark);
        return table;
    }
    const IssueTables *tables = tables_named(catalog, database_name, name);
    return tables != NULL && tables->count == 1 ? tables->items[0] : NULL;
}

const IssueTable *
issue_table_of_plan(const IssueWork *work, size_t place, const char *name)
{
    const IssueCatalog *catalog = work->input->catalog;
    const char *database_name = work->input->templates->items[place].database_name;
    const FactColumns *used = &work->input->facts[place].tables;
    const IssueTables *tables = tables_named(catalog, database_name, name);
    if (tables == NULL || tables->count == 1)
        return tables == NULL ? NULL : tables->items[0];
    for (size_t t = 0; t < tables->count; t++)
        for (size_t u = 0; u < used->count; u++)
            if (strcmp(tables->items[t]->name, used->items[u].table) == 0 &&
                strcmp(tables->items[t]->schema, used->items[u].schema) == 0)
                return tables->items[t];
    return NULL;
}

double
issue_index_rows(const IssueCatalog *catalog, const char *database_name, const char *name)
{
    ArenaMark mark = arena_mark(catalog->arena);
    const IssueIndex *index = map_get(catalog->indexes, name_key_of(catalog->arena, database_name, name));
    arena_rewind(catalog->arena, mark);
    return index == NULL ? NAN : index->rows_per_scan;
}
