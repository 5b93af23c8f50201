// SPDX-License-Identifier: PostgreSQL
/*
 * Statistics of a twin on a stock server.
 *
 * The superuser resolves types, operators and numbers; a session of the twin's own role reads the values
 * (array_in() runs the checks of domains, which are the target's code) into a table with a column of type
 * anyarray; the superuser checks each list's element type and counts and copies it into pg_statistic without
 * reading a value.
 */
#include "whatif/twin_internal.h"

#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"
#include "whatif/extended_bytes.h"

#include <math.h>

extern const PgQueryText twin_scripts[];

#define ROW_COLUMNS 7
#define SLOT_COLUMNS 10

static const char *
script(const Twin *twin, const char *name)
{
    const char *text = pg_query_text(twin_scripts, name, cluster_major(twin->cluster));
    fettle_assert(text != NULL);
    return text;
}

/* Texts of COPY, one after the other. */
typedef struct CopyRows {
    TextList rows;
    TextList slots;
} CopyRows;

static void
rows_push(Arena *arena, CopyRows *copy, uint32_t id, const SnapshotStatistics *from)
{
    double width = isnan(from->average_width_bytes) || from->average_width_bytes < 0 ? 0
                   : from->average_width_bytes > INT32_MAX                           ? INT32_MAX
                                                           : from->average_width_bytes;
    const char *relation = arena_printf(arena, "%u", id);
    const char *attnum = arena_printf(arena, "%d", from->attnum);
    const char *inherited = from->is_inherited ? "t" : "f";
    const char *row[ROW_COLUMNS] = {relation,
                                    attnum,
                                    inherited,
                                    "f",
                                    arena_printf(arena, "%.9g", from->null_fraction),
                                    arena_printf(arena, "%.0f", width),
                                    arena_printf(arena, "%.9g", from->n_distinct)};
    for (size_t i = 0; i < ROW_COLUMNS; i++)
        vector_push(arena, &copy->rows, row[i]);
    for (int slot = 0; slot < SNAPSHOT_STATISTICS_SLOTS; slot++) {
        const SnapshotStatisticsSlot *kept = &from->slots[slot];
        const char *cells[SLOT_COLUMNS] = {relation,
                                           attnum,
                                           inherited,
                                           "f",
                                           arena_printf(arena, "%d", slot + 1),
                                           arena_printf(arena, "%d", kept->kind),
                                           kept->operator_name,
                                           kept->collation,
                                           kept->numbers,
                                           kept->values};
        for (size_t i = 0; i < SLOT_COLUMNS && kept->kind != 0; i++)
            vector_push(arena, &copy->slots, cells[i]);
    }
}

static bool
rows_copy(Twin *twin, Arena *arena, Error *error)
{
    CopyRows copy = {0};
    for (size_t i = 0; i < twin->snapshot->statistics_count; i++) {
        uint32_t id = twin_relation_id(twin, twin->snapshot->statistics[i].relation_id);
        if (id != 0)
            rows_push(arena, &copy, id, &twin->snapshot->statistics[i]);
    }
    return pg_execute(twin->admin, "TRUNCATE fettle_twin.statistics_rows, fettle_twin.statistics_slots",
                      error) &&
           pg_copy_in(twin->admin, "COPY fettle_twin.statistics_rows FROM STDIN", copy.rows.items,
                      copy.rows.count / ROW_COLUMNS, ROW_COLUMNS, error) &&
           pg_copy_in(twin->admin, "COPY fettle_twin.statistics_slots FROM STDIN", copy.slots.items,
                      copy.slots.count / SLOT_COLUMNS, SLOT_COLUMNS, error);
}

static const char *
object_name(Arena *arena, const SnapshotExtendedStatistics *statistics)
{
    return pg_identifier_qualify(arena, statistics->schema, statistics->name);
}

/* Servers before 14 have no statistics of expressions in an object. */
static bool
expressions_copy(Twin *twin, Arena *arena, Error *error)
{
    for (size_t i = 0; i < twin->snapshot->extended_statistics_count; i++) {
        const SnapshotExtendedStatistics *from = &twin->snapshot->extended_statistics[i];
        if (from->expressions_json == NULL || cluster_major(twin->cluster) < 14)
            continue;
        const char *parameters[] = {object_name(arena, from), from->is_inherited ? "t" : "f",
                                    from->expressions_json};
        Error reason = {0};
        if (pg_execute_parameters(twin->admin, script(twin, "sparse_expressions"), parameters, 3, &reason))
            continue;
        if (pg_connection_is_broken(twin->admin)) {
            *error = reason;
            return false;
        }
        twin_lose(twin, arena_printf(twin->arena, "expressions of statistics %s", parameters[0]),
                  reason.message);
    }
    return true;
}

/* The role without rights reads what the target says its values are. */
static bool
values_read(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *guest = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *refused = NULL;
    if (!cluster_connect(twin->cluster, twin->database, TWIN_ROLE, &guest, error) ||
        !pg_query_simple(guest, "SELECT fettle_twin.statistics_read()", &refused, error))
        return false;
    int64_t count = pg_result_int(refused, 0, 0, 0);
    if (count > 0)
        twin_lose(twin, "values of column statistics",
                  arena_printf(twin->arena, "%lld lists cannot be read by PostgreSQL %d", (long long)count,
                               cluster_major(twin->cluster)));
    return true;
}

/* Attribute numbers of the object's columns; a twin's are the target's, gaps included. */
static const char *
object_attributes(const Twin *twin, Arena *arena, const SnapshotExtendedStatistics *from)
{
    const SnapshotRelation *relation = snapshot_relation(twin->snapshot, from->relation_id);
    TextList numbers = {0};
    for (size_t i = 0; relation != NULL && i < from->keys.count; i++) {
        const SnapshotColumn *column = snapshot_column_named(relation, from->keys.items[i]);
        if (column != NULL)
            vector_push(arena, &numbers, arena_printf(arena, "%d", column->attnum));
    }
    return pg_array_literal(arena, numbers.items, numbers.count);
}

static bool
objects_write(Twin *twin, Arena *arena, Error *error)
{
    for (size_t i = 0; i < twin->snapshot->extended_statistics_count; i++) {
        const SnapshotExtendedStatistics *from = &twin->snapshot->extended_statistics[i];
        const char *parameters[] = {object_name(arena, from), object_attributes(twin, arena, from),
                                    extended_ndistinct_bytes(arena, from->ndistinct),
                                    extended_dependencies_bytes(arena, from->dependencies),
                                    from->is_inherited ? "t" : "f"};
        Error reason = {0};
        if (from->mcv_json != NULL)
            twin_lose(twin, arena_printf(twin->arena, "most common values of statistics %s", parameters[0]),
                      "they cannot be written without a twin module");
        if (parameters[2] == NULL && parameters[3] == NULL && from->expressions_json == NULL)
            continue;
        if (!pg_execute(twin->admin, "SAVEPOINT fettle", error))
            return false;
        if (pg_execute_parameters(twin->admin, script(twin, "sparse_extended"), parameters, 5, &reason)) {
            if (!pg_execute(twin->admin, "RELEASE SAVEPOINT fettle", error))
                return false;
            continue;
        }
        if (pg_connection_is_broken(twin->admin)) {
            *error = reason;
            return false;
        }
        twin_lose(twin, arena_printf(twin->arena, "statistics %s", parameters[0]), reason.message);
        if (!pg_execute(twin->admin, "ROLLBACK TO SAVEPOINT fettle", error))
            return false;
    }
    return true;
}

static bool
statistics_put(Twin *twin, Arena *arena, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *changed = NULL;
    if (!pg_execute_script(twin->admin,
                           "BEGIN; DELETE FROM pg_catalog.pg_statistic WHERE starelid >= 16384; "
                           "DELETE FROM pg_catalog.pg_statistic_ext_data",
                           NULL, error) ||
        !pg_query_simple(twin->admin, script(twin, "sparse_statistics"), &changed, error) ||
        !objects_write(twin, arena, error) ||
        !pg_execute(twin->admin,
                    "TRUNCATE fettle_twin.statistics_rows, fettle_twin.statistics_slots, "
                    "fettle_twin.statistics_typed, fettle_twin.statistics_values",
                    error) ||
        !pg_execute(twin->admin, "COMMIT", error))
        return false;
    twin->report.objects_changed += pg_result_int(changed, 0, 0, 0);
    return true;
}

bool
twin_sparse_statistics_write(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin statistics", (size_t)4 << 30);
    twin_progress(twin, "statistics", 0, 0);
    twin->part = TWIN_PART_STATISTICS;
    return (rows_copy(twin, arena, error) && expressions_copy(twin, arena, error) &&
            pg_execute_script(twin->admin, script(twin, "sparse_typed"), NULL, error) &&
            pg_execute_script(twin->admin, script(twin, "statistics_types"), NULL, error) &&
            pg_execute_script(twin->admin, script(twin, "sparse_typed_fill"), NULL, error) &&
            values_read(twin, error) && statistics_put(twin, arena, error)) ||
           error_prefix(error, "could not give the twin its statistics");
}
