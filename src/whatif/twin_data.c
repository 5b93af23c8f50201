// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_internal.h"

#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"

#include <math.h>

extern const PgQueryText twin_scripts[];

/* The planner reads slots unchecked: what it could not read safely is emptied. */
#define STATISTICS_MEND                                                                                      \
    "SELECT sum(fettle_twin.statistics_mend(s.id)) FROM (SELECT DISTINCT starelid AS id FROM "               \
    "pg_catalog.pg_statistic "                                                                               \
    "WHERE starelid >= 16384) s"
/* Each index stays locked until its statement's transaction ends. */
#define ENDS_AT_ONCE 100
#define STATISTICS_COLUMNS (6 + 5 * SNAPSHOT_STATISTICS_SLOTS)

static const char *
script(const Twin *twin, const char *name)
{
    const char *text = pg_query_text(twin_scripts, name, cluster_major(twin->cluster));
    fettle_assert(text != NULL);
    return text;
}

static void
id_put(Twin *twin, uint32_t target_id, const Map *by_name, const char *schema, const char *name)
{
    TwinId *id = map_get(by_name, pg_identifier_qualify(twin->arena, schema, name));
    if (id != NULL)
        map_put_id(twin->ids, target_id, id);
}

bool
twin_ids_read(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!pg_query_simple(
            twin->admin,
            "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
            "c.relnamespace "
            "WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'i', 'I') ORDER BY c.oid",
            &rows, error))
        return false;
    Map *by_name = map_new(twin->arena);
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        TwinId *id = ARENA_NEW(twin->arena, TwinId);
        id->id = (uint32_t)pg_result_int(rows, row, 0, 0);
        map_put(
            by_name,
            pg_identifier_qualify(twin->arena, pg_result_text(rows, row, 1), pg_result_text(rows, row, 2)),
            id);
    }
    twin->ids = map_new(twin->arena);
    const Snapshot *snapshot = twin->snapshot;
    for (size_t i = 0; i < snapshot->relation_count; i++)
        id_put(twin, snapshot->relations[i].id, by_name, snapshot->relations[i].schema,
               snapshot->relations[i].name);
    for (size_t i = 0; i < snapshot->index_count; i++)
        id_put(twin, snapshot->indexes[i].id, by_name, snapshot->indexes[i].schema,
               snapshot->indexes[i].name);
    return true;
}

/* Figures of pg_class as columns of text, one array parameter each. */
typedef struct SizeColumns {
    TextList ids;
    TextList pages;
    TextList tuples;
    TextList visible; /* a table's all-visible pages; an index's height + 1 */
    TextList blocks;  /* current size + 1; 0 unknown */
} SizeColumns;

static const char *
whole_number(Arena *arena, double value, double most)
{
    double bounded = isnan(value) || value < 0 ? 0 : value > most ? most : value;
    return arena_printf(arena, "%.0f", bounded);
}

static void
size_push(Arena *arena, SizeColumns *columns, uint32_t id, double pages, double tuples)
{
    vector_push(arena, &columns->ids, arena_printf(arena, "%u", id));
    vector_push(arena, &columns->pages, whole_number(arena, pages, INT32_MAX));
    vector_push(arena, &columns->tuples, arena_printf(arena, "%.9g", isnan(tuples) ? -1 : tuples));
}

static void
sizes_collect(const Twin *twin, Arena *arena, SizeColumns *columns)
{
    const Snapshot *snapshot = twin->snapshot;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        uint32_t id = twin_relation_id(twin, relation->id);
        if (id == 0 || relation->kind == 'v')
            continue;
        double blocks = relation->size_blocks >= 0 ? (double)relation->size_blocks : relation->relpages;
        size_push(arena, columns, id, relation->relpages, relation->reltuples);
        vector_push(arena, &columns->visible, whole_number(arena, relation->relallvisible, INT32_MAX));
        vector_push(arena, &columns->blocks,
                    whole_number(arena, relation->kind == 'p' ? 0 : blocks + 1, 4294967295.0));
    }
    for (size_t i = 0; i < snapshot->index_count; i++) {
        const SnapshotIndex *index = &snapshot->indexes[i];
        uint32_t id = twin_relation_id(twin, index->id);
        if (id == 0)
            continue;
        double blocks = index->size_blocks >= 0 ? (double)index->size_blocks : index->relpages;
        size_push(arena, columns, id, index->relpages, index->reltuples);
        vector_push(arena, &columns->visible, whole_number(arena, index->height + 1, 64));
        vector_push(arena, &columns->blocks,
                    whole_number(arena, index->is_partitioned ? 0 : blocks + 1, 4294967295.0));
    }
}

bool
twin_sizes_write(Twin *twin, Error *error)
{
    if (twin->report.method == TWIN_METHOD_SPARSE_FILES)
        return twin_sparse_sizes_write(twin, error);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin sizes", (size_t)1 << 30);
    SizeColumns columns = {0};
    sizes_collect(twin, arena, &columns);
    twin_progress(twin, "sizes", 0, 0);
    const char *parameters[] = {pg_array_literal(arena, columns.ids.items, columns.ids.count),
                                pg_array_literal(arena, columns.pages.items, columns.pages.count),
                                pg_array_literal(arena, columns.tuples.items, columns.tuples.count),
                                pg_array_literal(arena, columns.visible.items, columns.visible.count),
                                pg_array_literal(arena, columns.blocks.items, columns.blocks.count)};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *changed = NULL;
    PgQuery query = {.text = script(twin, "sizes"), .parameters = parameters, .parameter_count = 5};
    if (!pg_query(twin->admin, &query, &changed, error))
        return error_prefix(error, "could not give the twin its sizes");
    twin->report.objects_changed += pg_result_rows(changed);
    return true;
}

/* One row of COPY for a column's statistics; false when the twin lacks the relation. */
static bool
statistics_row(const Twin *twin, Arena *arena, const SnapshotStatistics *statistics, const char **row)
{
    uint32_t id = twin_relation_id(twin, statistics->relation_id);
    if (id == 0)
        return false;
    row[0] = arena_printf(arena, "%u", id);
    row[1] = arena_printf(arena, "%d", statistics->attnum);
    row[2] = statistics->is_inherited ? "t" : "f";
    row[3] = arena_printf(arena, "%.9g", statistics->null_fraction);
    row[4] = whole_number(arena, statistics->average_width_bytes, INT32_MAX);
    row[5] = arena_printf(arena, "%.9g", statistics->n_distinct);
    for (size_t slot = 0; slot < SNAPSHOT_STATISTICS_SLOTS; slot++) {
        const SnapshotStatisticsSlot *from = &statistics->slots[slot];
        const char **cells = row + 6 + slot * 5;
        cells[0] = arena_printf(arena, "%d", from->kind);
        cells[1] = from->operator_name;
        cells[2] = from->collation;
        cells[3] = from->numbers;
        cells[4] = from->values;
    }
    return true;
}

static bool
statistics_columns_write(Twin *twin, Arena *arena, Error *error)
{
    const Snapshot *snapshot = twin->snapshot;
    const char **rows =
        ARENA_NEW_ARRAY(arena, const char *, snapshot->statistics_count *STATISTICS_COLUMNS + 1);
    size_t count = 0;
    for (size_t i = 0; i < snapshot->statistics_count; i++)
        count += statistics_row(twin, arena, &snapshot->statistics[i], rows + count * STATISTICS_COLUMNS);
    const char *role = arena_printf(arena, "%u", twin->role_id);
    const char *parameters[] = {role};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *changed = NULL;
    PgQuery query = {
        .text = script(twin, "statistics_insert"), .parameters = parameters, .parameter_count = 1};
    if (!pg_execute_script(twin->admin, script(twin, "statistics_table"), NULL, error) ||
        !pg_copy_in(twin->admin, "COPY pg_temp.fettle_statistics FROM STDIN", rows, count, STATISTICS_COLUMNS,
                    error) ||
        !pg_execute_script(twin->admin, script(twin, "statistics_used"), NULL, error) ||
        !pg_execute_script(twin->admin, script(twin, "statistics_types"), NULL, error) ||
        !pg_execute_script(twin->admin,
                           "BEGIN; DELETE FROM pg_catalog.pg_statistic WHERE starelid >= 16384; "
                           "DELETE FROM pg_catalog.pg_statistic_ext_data",
                           NULL, error) ||
        !pg_query(twin->admin, &query, &changed, error) || !pg_execute(twin->admin, STATISTICS_MEND, error) ||
        !pg_execute(twin->admin, "COMMIT", error))
        return false;
    twin->report.objects_changed += pg_result_int(changed, 0, 0, 0);
    return true;
}

/* Target attribute numbers of the statistics object's columns, as the text forms hold them. */
static const char *
extended_numbers(Arena *arena, const SnapshotRelation *relation, const TextList *keys)
{
    TextList numbers = {0};
    for (size_t i = 0; i < keys->count; i++) {
        const SnapshotColumn *column = snapshot_column_named(relation, keys->items[i]);
        vector_push(arena, &numbers, arena_printf(arena, "%d", column == NULL ? 0 : column->attnum));
    }
    return pg_array_literal(arena, numbers.items, numbers.count);
}

static bool
extended_write(Twin *twin, Arena *arena, const SnapshotExtendedStatistics *statistics, Error *error)
{
    const SnapshotRelation *relation = snapshot_relation(twin->snapshot, statistics->relation_id);
    const char *parameters[] = {pg_identifier_qualify(arena, statistics->schema, statistics->name),
                                pg_array_literal(arena, statistics->keys.items, statistics->keys.count),
                                extended_numbers(arena, relation, &statistics->keys),
                                statistics->ndistinct,
                                statistics->dependencies,
                                statistics->mcv_json,
                                arena_printf(arena, "%u", twin->role_id),
                                statistics->is_inherited ? "t" : "f",
                                statistics->expressions_json};
    Error reason = {0};
    if (pg_execute_parameters(twin->admin, script(twin, "extended_insert"), parameters, 9, &reason))
        return true;
    if (pg_connection_is_broken(twin->admin)) {
        *error = reason;
        return false;
    }
    twin_lose(twin, arena_printf(twin->arena, "statistics %s", parameters[0]),
              arena_strdup(twin->arena, reason.message));
    return true;
}

bool
twin_statistics_write(Twin *twin, Error *error)
{
    if (twin->report.method == TWIN_METHOD_SPARSE_FILES)
        return twin_sparse_statistics_write(twin, error);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin statistics", (size_t)4 << 30);
    twin_progress(twin, "statistics", 0, 0);
    twin->part = TWIN_PART_STATISTICS;
    if (!statistics_columns_write(twin, arena, error))
        return error_prefix(error, "could not give the twin its statistics");
    for (size_t i = 0; i < twin->snapshot->extended_statistics_count; i++) {
        const SnapshotExtendedStatistics *statistics = &twin->snapshot->extended_statistics[i];
        bool has_data = statistics->ndistinct != NULL || statistics->dependencies != NULL ||
                        statistics->mcv_json != NULL || statistics->expressions_json != NULL;
        if (has_data && !extended_write(twin, arena, statistics, error))
            return false;
    }
    return true;
}

/* An index of which the target told no ends: those that its first key's statistics know, so after these. */
static bool
ends_from_statistics(Twin *twin, Arena *arena, const TextList *ids, Error *error)
{
    for (size_t first = 0; first < ids->count; first += ENDS_AT_ONCE) {
        size_t count = ids->count - first < ENDS_AT_ONCE ? ids->count - first : ENDS_AT_ONCE;
        const char *parameters[] = {pg_array_literal(arena, ids->items + first, count)};
        if (!pg_execute_parameters(twin->admin,
                                   "SELECT count(fettle_twin.index_ends_from_statistics(id::regclass)) FROM "
                                   "pg_catalog.unnest($1::oid[]) AS i (id)",
                                   parameters, 1, error))
            return error_prefix(error, "could not give the twin the ends of its indexes");
    }
    return true;
}

static bool
ends_from_target(Twin *twin, Arena *arena, const SnapshotIndex *index, const char *id, Error *error)
{
    const char *parameters[] = {id, index->low_value, index->high_value};
    Error reason = {0};
    if (pg_execute_parameters(twin->admin, "SELECT fettle_twin.index_ends_set($1::oid::regclass, $2, $3)",
                              parameters, 3, &reason))
        return true;
    if (pg_connection_is_broken(twin->admin)) {
        *error = reason;
        return false;
    }
    twin_lose(twin, arena_printf(arena, "end points of index %s", index->name), reason.message);
    return true;
}

bool
twin_ends_write(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin ends", (size_t)256 << 20);
    TextList unknown = {0};
    twin->part = TWIN_PART_ENDS;
    if (twin->report.method == TWIN_METHOD_SPARSE_FILES) {
        twin_sparse_lose_ends(twin);
        return true;
    }
    twin_progress(twin, "ends of indexes", 0, 0);
    for (size_t i = 0; i < twin->snapshot->index_count; i++) {
        const SnapshotIndex *index = &twin->snapshot->indexes[i];
        uint32_t id = twin_relation_id(twin, index->id);
        if (id == 0 || index->is_partitioned || !text_equals(index->method, "btree"))
            continue;
        const char *id_text = arena_printf(arena, "%u", id);
        if (index->low_value == NULL && index->high_value == NULL)
            vector_push(arena, &unknown, id_text);
        else if (!ends_from_target(twin, twin->arena, index, id_text, error))
            return false;
    }
    return ends_from_statistics(twin, arena, &unknown, error);
}
