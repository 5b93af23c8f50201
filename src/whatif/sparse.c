// SPDX-License-Identifier: PostgreSQL
/*
 * Sizes of a twin on a stock server: files with holes, and forged pages where a B-tree needs a height.
 *
 * Files are measured and mended at each opening, also when the snapshot is the same: a crash of the server
 * empties unlogged relations, and a build or refresh that was killed leaves some files done and some not.
 *
 * A height is given to a file that no session has read: REINDEX makes a new one, whose pages go to disk past
 * the buffers, and the pages are forged before the transaction ends, under the exclusive lock. Meanwhile the
 * tables look empty to that session (fettle_twin.sizes_hide()), so nothing scans their holes.
 */
#include "whatif/twin_internal.h"

#include "pg/identifier.h"
#include "pg/query_text.h"
#include "pg/result.h"
#include "whatif/sparse_file.h"
#include "whatif/sparse_page.h"

#include <math.h>

extern const PgQueryText twin_scripts[];

/* Each index of a transaction holds locks. */
#define RAISES_PER_TRANSACTION_MOST 200

typedef struct SparseRelation {
    uint32_t id;
    const char *schema;
    const char *name;
    bool is_index;
    bool is_btree;
    SparseFile file;         /* filenode 0: a partitioned table or index has none */
    uint32_t known_filenode; /* as we left it; 0: not seen before */
    int64_t own_blocks;      /* pages that the empty relation really has */
    int known_height;
    int64_t current_blocks;
    int64_t blocks; /* wanted, as the rest below */
    int height;
    double pages;
    double tuples;
    double visible;
} SparseRelation;

VECTOR_DEFINE(SparseRelationList, SparseRelation *);

static const char *
script(const Twin *twin, const char *name)
{
    const char *text = pg_query_text(twin_scripts, name, cluster_major(twin->cluster));
    fettle_assert(text != NULL);
    return text;
}

/* Forged pages and segment files are those of PostgreSQL's usual sizes. */
static bool
sparse_sizes_check(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!pg_query_simple(twin->admin,
                         "SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'block_size'), "
                         "(SELECT setting FROM pg_catalog.pg_settings WHERE name = 'segment_size')",
                         &rows, error))
        return false;
    if (pg_result_int(rows, 0, 0, 0) == SPARSE_PAGE_BYTES &&
        pg_result_int(rows, 0, 1, 0) == SPARSE_SEGMENT_BLOCKS)
        return true;
    error_set(error, ERROR_MISSING_DEPENDENCY,
              "the private cluster's PostgreSQL %d was built with unusual page or segment sizes",
              cluster_major(twin->cluster));
    return error_set_hint(error, "install postgresql-server-dev-%d and build Fettle again",
                          cluster_major(twin->cluster));
}

bool
twin_sparse_install(Twin *twin, Error *error)
{
    return sparse_sizes_check(twin, error) &&
           pg_execute_script(twin->admin, script(twin, "sparse_install"), NULL, error) &&
           pg_execute_script(twin->admin, script(twin, "sparse_grants"), NULL, error);
}

/* Only the module can tell the planner of rows that are not there. */
void
twin_sparse_lose_ends(Twin *twin)
{
    for (size_t i = 0; i < twin->snapshot->index_count; i++) {
        if (twin->snapshot->indexes[i].low_value == NULL)
            continue;
        twin_lose(twin, "live ends of indexes",
                  "no twin module fits the private cluster: ranges at a column's end are estimated from "
                  "histograms, costs of few statements differ");
        return;
    }
}

static SparseRelation *
relation_read(const Twin *twin, Arena *arena, const PgResult *rows, int64_t row, Error *error)
{
    SparseRelation *relation = ARENA_NEW(arena, SparseRelation);
    const char *method = pg_result_text(rows, row, 1);
    *relation = (SparseRelation){.id = (uint32_t)pg_result_int(rows, row, 0, 0),
                                 .is_index = method[0] != '\0',
                                 .is_btree = text_equals(method, "btree"),
                                 .file = {.pgdata = cluster_data_directory(twin->cluster),
                                          .filenode = (uint32_t)pg_result_int(rows, row, 2, 0),
                                          .database = (uint32_t)pg_result_int(rows, row, 3, 0)},
                                 .known_filenode = (uint32_t)pg_result_int(rows, row, 4, 0),
                                 .own_blocks = pg_result_int(rows, row, 5, 0),
                                 .known_height = (int)pg_result_int(rows, row, 6, 0),
                                 .schema = arena_strdup(arena, pg_result_text(rows, row, 7)),
                                 .name = arena_strdup(arena, pg_result_text(rows, row, 8))};
    if (relation->file.filenode == 0)
        return relation;
    if (!sparse_file_blocks(&relation->file, &relation->current_blocks, error))
        return NULL;
    if (relation->known_filenode != relation->file.filenode)
        relation->own_blocks = relation->current_blocks;
    return relation;
}

static bool
relations_read(const Twin *twin, Arena *arena, Map **ret_by_id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    Map *by_id = map_new(arena);
    if (!pg_query_simple(twin->admin, script(twin, "sparse_relations"), &rows, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        SparseRelation *relation = relation_read(twin, arena, rows, row, error);
        if (relation == NULL)
            return false;
        map_put_id(by_id, relation->id, relation);
    }
    *ret_by_id = by_id;
    return true;
}

static int64_t
blocks_bounded(int64_t size_blocks, double relpages)
{
    double blocks = size_blocks >= 0 ? (double)size_blocks : isnan(relpages) ? 0 : relpages;
    return blocks < 0 ? 0 : blocks > (double)SPARSE_BLOCKS_MOST ? SPARSE_BLOCKS_MOST : (int64_t)blocks;
}

static SparseRelation *
relation_wanted(const Twin *twin, Arena *arena, const Map *by_id, uint32_t target_id)
{
    uint32_t id = twin_relation_id(twin, target_id);
    SparseRelation *relation = id == 0 ? NULL : map_get_id(by_id, id);
    if (id != 0 && relation == NULL) { /* partitioned: figures, and no file */
        relation = ARENA_NEW(arena, SparseRelation);
        *relation = (SparseRelation){.id = id};
    }
    return relation;
}

static void
relations_want(const Twin *twin, Arena *arena, const Map *by_id, SparseRelationList *list)
{
    const Snapshot *snapshot = twin->snapshot;
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *from = &snapshot->relations[i];
        SparseRelation *relation = from->kind == 'v' ? NULL : relation_wanted(twin, arena, by_id, from->id);
        if (relation == NULL)
            continue;
        relation->blocks = blocks_bounded(from->size_blocks, from->relpages);
        relation->pages = from->relpages;
        relation->tuples = from->reltuples;
        relation->visible = from->relallvisible;
        vector_push(arena, list, relation);
    }
    for (size_t i = 0; i < snapshot->index_count; i++) {
        const SnapshotIndex *from = &snapshot->indexes[i];
        SparseRelation *relation = relation_wanted(twin, arena, by_id, from->id);
        if (relation == NULL)
            continue;
        relation->blocks = blocks_bounded(from->size_blocks, from->relpages);
        /* An access method reads its own first pages: they are never cut off. */
        if (relation->blocks < relation->own_blocks)
            relation->blocks = relation->own_blocks;
        int64_t height = relation->is_btree ? from->height : 0;
        int64_t most = relation->blocks - 2 < SPARSE_HEIGHT_MOST ? relation->blocks - 2 : SPARSE_HEIGHT_MOST;
        relation->height = (int)(height > most ? most : height);
        relation->height = relation->height < 0 ? 0 : relation->height;
        relation->pages = from->relpages;
        relation->tuples = from->reltuples;
        vector_push(arena, list, relation);
    }
}

static bool
needs_raise(const SparseRelation *relation)
{
    bool is_known = relation->known_filenode == relation->file.filenode;
    int height = is_known ? relation->known_height : 0;
    return relation->is_btree && relation->file.filenode != 0 &&
           (relation->height != height || (height > 0 && relation->current_blocks < height + 2));
}

/* A new file for the index, with its height. The server may refuse (an index of an extension's table, which
 * is not the twin's): the tree is then flat, and said to be. */
static bool
btree_raise(Twin *twin, PgConnection *guest, Arena *arena, SparseRelation *relation, Error *error)
{
    const char *name = pg_identifier_qualify(arena, relation->schema, relation->name);
    const char *parameters[] = {arena_printf(arena, "%u", relation->id)};
    PgQuery query = {.text = "SELECT pg_catalog.pg_relation_filenode($1::oid::regclass)",
                     .parameters = parameters,
                     .parameter_count = 1};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *file = NULL;
    Error refusal = {0};
    if (!pg_execute(guest, "SAVEPOINT fettle", error))
        return false;
    if (!pg_execute(guest, arena_printf(arena, "REINDEX INDEX %s", name), &refusal)) {
        if (pg_connection_is_broken(guest)) {
            *error = refusal;
            return false;
        }
        twin_lose(twin, arena_printf(twin->arena, "tree height of index %s", name), refusal.message);
        relation->height = 0;
        return pg_execute(guest, "ROLLBACK TO SAVEPOINT fettle", error);
    }
    if (!pg_query(guest, &query, &file, error))
        return false;
    relation->file.filenode = (uint32_t)pg_result_int(file, 0, 0, 0);
    relation->own_blocks = 1;
    return (relation->height == 0 || sparse_file_raise_btree(&relation->file, relation->height, error)) &&
           pg_execute(guest, "RELEASE SAVEPOINT fettle", error);
}

static bool
btrees_raise(Twin *twin, Arena *arena, const SparseRelationList *list, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *guest = NULL;
    int64_t raised = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (!needs_raise(list->items[i]))
            continue;
        if (guest == NULL && (!cluster_connect(twin->cluster, twin->database, TWIN_ROLE, &guest, error) ||
                              !pg_execute(guest, "SET search_path = pg_catalog", error)))
            return false;
        bool is_first = raised % RAISES_PER_TRANSACTION_MOST == 0;
        if (is_first && raised > 0 &&
            (!pg_execute(guest, "SELECT fettle_twin.sizes_show(0)", error) ||
             !pg_execute(guest, "COMMIT", error)))
            return false;
        if (is_first && (!pg_execute(guest, "BEGIN", error) ||
                         !pg_execute(guest, "SELECT fettle_twin.sizes_hide(0)", error)))
            return false;
        if (!btree_raise(twin, guest, arena, list->items[i], error))
            return false;
        raised++;
        twin_progress(twin, "sizes", (int64_t)i, (int64_t)list->count);
    }
    return raised == 0 || (pg_execute(guest, "SELECT fettle_twin.sizes_show(0)", error) &&
                           pg_execute(guest, "COMMIT", error));
}

static bool
files_size(const SparseRelationList *list, Error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        const SparseRelation *relation = list->items[i];
        int64_t blocks;
        if (relation->file.filenode == 0)
            continue;
        if (!sparse_file_blocks(&relation->file, &blocks, error) ||
            (blocks != relation->blocks && !sparse_file_set_blocks(&relation->file, relation->blocks, error)))
            return false;
    }
    return true;
}

static const char *
whole_number(Arena *arena, double value)
{
    return arena_printf(arena, "%.0f", isnan(value) || value < 0 ? 0 : value > INT32_MAX ? INT32_MAX : value);
}

static bool
figures_write(Twin *twin, Arena *arena, const SparseRelationList *list, Error *error)
{
    TextList columns[7] = {0};
    const char *parameters[FETTLE_COUNT_OF(columns)];
    for (size_t i = 0; i < list->count; i++) {
        const SparseRelation *from = list->items[i];
        const char *cells[] = {arena_printf(arena, "%u", from->id),
                               whole_number(arena, from->pages),
                               arena_printf(arena, "%.9g", isnan(from->tuples) ? -1 : from->tuples),
                               whole_number(arena, from->visible),
                               arena_printf(arena, "%lld", (long long)from->blocks),
                               arena_printf(arena, "%lld", (long long)from->own_blocks),
                               arena_printf(arena, "%d", from->height)};
        for (size_t k = 0; k < FETTLE_COUNT_OF(columns); k++)
            vector_push(arena, &columns[k], cells[k]);
    }
    for (size_t k = 0; k < FETTLE_COUNT_OF(columns); k++)
        parameters[k] = pg_array_literal(arena, columns[k].items, columns[k].count);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *changed = NULL;
    PgQuery query = {.text = script(twin, "sparse_sizes"),
                     .parameters = parameters,
                     .parameter_count = FETTLE_COUNT_OF(parameters)};
    if (!pg_query(twin->admin, &query, &changed, error))
        return false;
    twin->report.objects_changed += pg_result_int(changed, 0, 0, 0);
    return true;
}

bool
twin_sparse_sizes_write(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sparse sizes", (size_t)1 << 30);
    SparseRelationList list = {0};
    Map *by_id;
    twin_progress(twin, "sizes", 0, 0);
    twin->part = TWIN_PART_SIZES;
    if (!relations_read(twin, arena, &by_id, error))
        return false;
    relations_want(twin, arena, by_id, &list);
    return (btrees_raise(twin, arena, &list, error) && files_size(&list, error) &&
            figures_write(twin, arena, &list, error)) ||
           error_prefix(error, "could not give the twin its sizes");
}
