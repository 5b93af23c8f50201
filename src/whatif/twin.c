// SPDX-License-Identifier: PostgreSQL
#include "whatif/twin_internal.h"

#include "base/hash.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "snapshot/section.h"
#include "whatif/sparse_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATABASE_PREFIX "twin_"
/* Changes when the way of building does, so that older twins are built anew. */
#define BUILD_FORMAT 3

void
twin_progress(const Twin *twin, const char *step, int64_t done, int64_t total)
{
    if (twin->options.progress != NULL)
        twin->options.progress(twin->options.context, step, done, total);
}

void
twin_lose(Twin *twin, const char *object, const char *reason)
{
    TwinLoss loss = {.part = twin->part,
                     .object = object,
                     .reason = arena_strdup(twin->arena, reason == NULL ? "" : reason)};
    vector_push(twin->arena, &twin->report.losses, loss);
}

const char *
twin_method_word(TwinMethod method)
{
    return method == TWIN_METHOD_MODULE ? "module" : "sparse_files";
}

static uint64_t
section_hash(const Snapshot *snapshot, const char *name)
{
    const SnapshotSection *section = snapshot_section_find(snapshot->sections, name);
    return section == NULL ? 0 : snapshot_section_hash(section);
}

static uint64_t
ddl_hash(const Twin *twin, const TwinDdl *ddl)
{
    uint64_t hash = hash_combine(BUILD_FORMAT, (uint64_t)cluster_major(twin->cluster));
    hash = hash_combine(hash, twin->module_path == NULL ? 0 : hash_text(twin->module_path));
    hash = hash_combine(hash,
                        hash_combine(hash_text(twin->snapshot->collate), hash_text(twin->snapshot->ctype)));
    const char *locale = twin->snapshot->icu_locale;
    hash = hash_combine(hash, hash_combine((uint64_t)twin->snapshot->collation_provider,
                                           locale == NULL ? 0 : hash_text(locale)));
    for (size_t i = 0; i < ddl->statements.count; i++)
        hash = hash_combine(hash, hash_text(ddl->statements.items[i].text));
    return hash;
}

static TwinRecord
record_of(const Twin *twin, const TwinDdl *ddl)
{
    const Snapshot *snapshot = twin->snapshot;
    return (TwinRecord){
        .schema_hash = ddl_hash(twin, ddl),
        .sizes_hash = hash_combine(
            hash_combine(section_hash(snapshot, "sizes"), section_hash(snapshot, "heights")),
            hash_combine(section_hash(snapshot, "relations"), section_hash(snapshot, "indexes"))),
        .statistics_hash =
            hash_combine(section_hash(snapshot, "statistics"), section_hash(snapshot, "extended_data")),
        .ends_hash = section_hash(snapshot, "index_ends"),
        .target = snapshot->database,
        .built_at = snapshot->taken_at};
}

/* "fettle twin A B C D ...": four hashes in hexadecimal. */
static bool
record_hashes(const char *text, uint64_t *hashes)
{
    if (!text_starts_with(text, "fettle twin "))
        return false;
    const char *at = text + strlen("fettle twin ");
    for (int i = 0; i < 4; i++) {
        char *end;
        hashes[i] = strtoull(at, &end, 16);
        if (end == at || *end != ' ')
            return false;
        at = end + 1;
    }
    return true;
}

static bool
record_read(Twin *twin, PgConnection *admin, TwinRecord *ret_record, bool *ret_found, Error *error)
{
    const char *parameters[] = {twin->database};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    PgQuery query = {.text =
                         "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
                     .parameters = parameters,
                     .parameter_count = 1};
    if (!pg_query(admin, &query, &rows, error))
        return false;
    const char *text = pg_result_rows(rows) == 0 ? NULL : pg_result_text(rows, 0, 0);
    uint64_t hashes[4] = {0};
    *ret_found = text != NULL && record_hashes(text, hashes);
    if (*ret_found)
        *ret_record = (TwinRecord){.schema_hash = hashes[0],
                                   .sizes_hash = hashes[1],
                                   .statistics_hash = hashes[2],
                                   .ends_hash = hashes[3]};
    return true;
}

/* Written last: a twin whose making was cut short has no record and is built anew. */
static bool
record_write(Twin *twin, const TwinRecord *record, Error *error)
{
    Arena *arena = twin->arena;
    const char *text =
        arena_printf(arena, "fettle twin %llx %llx %llx %llx %s %s", (unsigned long long)record->schema_hash,
                     (unsigned long long)record->sizes_hash, (unsigned long long)record->statistics_hash,
                     (unsigned long long)record->ends_hash, record->built_at, record->target);
    return pg_execute(twin->admin,
                      arena_printf(arena, "COMMENT ON DATABASE %s IS %s",
                                   pg_identifier_quote(arena, twin->database), pg_literal_quote(arena, text)),
                      error);
}

static bool
record_clear(Twin *twin, Error *error)
{
    return pg_execute(twin->admin,
                      arena_printf(twin->arena, "COMMENT ON DATABASE %s IS NULL",
                                   pg_identifier_quote(twin->arena, twin->database)),
                      error);
}

bool
twin_admin_connect(Twin *twin, Error *error)
{
    return cluster_connect(twin->cluster, twin->database, NULL, &twin->admin, error) &&
           pg_execute(twin->admin, "SET search_path = pg_catalog", error);
}

static bool
twin_refresh_connect(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *role = NULL;
    if (!twin_admin_connect(twin, error) ||
        !pg_query_simple(twin->admin, "SELECT oid FROM pg_roles WHERE rolname = '" TWIN_ROLE "'", &role,
                         error))
        return false;
    twin->role_id = pg_result_rows(role) == 0 ? 0 : (uint32_t)pg_result_int(role, 0, 0, 0);
    return true;
}

static bool
twin_build(Twin *twin, const TwinDdl *ddl, Error *error)
{
    return twin_database_create(twin, error) && twin_schema_make(twin, ddl, error) &&
           twin_ids_read(twin, error) && twin_statistics_write(twin, error) && twin_ends_write(twin, error) &&
           twin_sizes_write(twin, error) && twin_losses_write(twin, error);
}

static bool
twin_refresh(Twin *twin, const TwinRecord *older, const TwinRecord *newer, Error *error)
{
    twin->report.was_refreshed = true;
    if (!twin_refresh_connect(twin, error) || !twin_ids_read(twin, error) ||
        !twin_losses_read(twin, TWIN_PART_SCHEMA, error))
        return false;
    bool statistics = older->statistics_hash != newer->statistics_hash;
    /* End points, some of which come from statistics, are written by truncating an index, which resets its
     * pg_class row: before the sizes. */
    bool ends = statistics || older->ends_hash != newer->ends_hash;
    bool sizes = ends || older->sizes_hash != newer->sizes_hash;
    /* A refresh that is cut short must not be taken for the older twin. */
    if (sizes && !record_clear(twin, error))
        return false;
    if (statistics ? !twin_statistics_write(twin, error)
                   : !twin_losses_read(twin, TWIN_PART_STATISTICS, error))
        return false;
    if (ends ? !twin_ends_write(twin, error) : !twin_losses_read(twin, TWIN_PART_ENDS, error))
        return false;
    /* Files are looked at each time: a crash of the server empties unlogged ones. */
    if ((sizes || twin->report.method == TWIN_METHOD_SPARSE_FILES) && !twin_sizes_write(twin, error))
        return false;
    return !ends || twin_losses_write(twin, error);
}

static bool
twin_make(Twin *twin, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *admin = NULL;
    if (!twin_module_place(twin, error))
        return false;
    if (twin->module_path == NULL)
        twin->report.method = TWIN_METHOD_SPARSE_FILES;
    TwinDdl ddl = twin_ddl(twin->arena, twin->snapshot);
    TwinRecord wanted = record_of(twin, &ddl);
    TwinRecord older = {0};
    bool found = false;
    if (!cluster_connect(twin->cluster, "postgres", NULL, &admin, error) ||
        !record_read(twin, admin, &older, &found, error))
        return false;
    bool reuse = found && older.schema_hash == wanted.schema_hash && !twin->options.rebuild;
    if (twin->options.only_made && !reuse)
        return error_set(error, ERROR_NOT_FOUND, "there is no twin of what database %s is now",
                         twin->snapshot->database);
    bool made = reuse ? twin_refresh(twin, &older, &wanted, error) : twin_build(twin, &ddl, error);
    return made && record_write(twin, &wanted, error);
}

bool
twin_open(Arena *arena, Cluster *cluster, const Snapshot *snapshot, const TwinOptions *options,
          Twin **ret_twin, Error *error)
{
    int64_t start_us = clock_monotonic_us();
    Twin *twin = ARENA_NEW(arena, Twin);
    *twin = (Twin){.arena = arena, .cluster = cluster, .snapshot = snapshot, .options = *options};
    uint64_t identity =
        hash_combine(hash_text(snapshot->database),
                     snapshot->system_identifier == NULL ? 0 : hash_text(snapshot->system_identifier));
    twin->database = arena_printf(arena, DATABASE_PREFIX "%016llx", (unsigned long long)identity);
    twin->report.twin_major = cluster_major(cluster);
    twin->report.method = TWIN_METHOD_MODULE;
    if (!twin_make(twin, error)) {
        twin_close(twin);
        return false;
    }
    twin->report.build_ms = (double)(clock_monotonic_us() - start_us) / 1000;
    *ret_twin = twin;
    return true;
}

void
twin_close(Twin *twin)
{
    if (twin == NULL)
        return;
    pg_connection_close(twin->admin);
    twin->admin = NULL;
}

void
twin_close_at(Twin **twin)
{
    twin_close(*twin);
    *twin = NULL;
}

const TwinReport *
twin_report(const Twin *twin)
{
    return &twin->report;
}

const Snapshot *
twin_snapshot(const Twin *twin)
{
    return twin->snapshot;
}

const char *
twin_database(const Twin *twin)
{
    return twin->database;
}

const char *
twin_cluster_directory(const Twin *twin)
{
    return cluster_data_directory(twin->cluster);
}

bool
twin_connect(Twin *twin, PgConnection **ret_connection, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin session", 65536);
    int timeout_ms = twin->options.statement_timeout_ms > 0 ? twin->options.statement_timeout_ms : 10000;
    if (!cluster_connect(twin->cluster, twin->database, TWIN_ROLE, &connection, error) ||
        !twin_settings_apply(twin->snapshot, connection, error) ||
        !pg_execute(connection, arena_printf(arena, "SET statement_timeout = %d", timeout_ms), error))
        return false;
    *ret_connection = connection;
    connection = NULL;
    return true;
}

uint32_t
twin_relation_id(const Twin *twin, uint32_t target_id)
{
    const TwinId *id = map_get_id(twin->ids, target_id);
    return id == NULL ? 0 : id->id;
}

const char *
twin_relation_loss(const Twin *twin, const SnapshotRelation *relation)
{
    if (twin_relation_id(twin, relation->id) != 0)
        return NULL;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("name of a relation", 65536);
    const char *name = pg_identifier_qualify(scratch, relation->schema, relation->name);
    for (size_t i = 0; i < twin->report.losses.count; i++) {
        const TwinLoss *loss = &twin->report.losses.items[i];
        const char *space = strchr(loss->object, ' ');
        if (space != NULL && strcmp(space + 1, name) == 0)
            return loss->reason;
    }
    return NULL;
}

bool
twin_list(Arena *arena, Cluster *cluster, TwinInfo **ret_list, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *admin = NULL;
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!cluster_connect(cluster, "postgres", NULL, &admin, error) ||
        !pg_query_simple(admin,
                         "SELECT datname, oid, shobj_description(oid, 'pg_database') FROM pg_database "
                         "WHERE datname LIKE 'twin\\_%' ORDER BY datname",
                         &rows, error))
        return false;
    size_t count = (size_t)pg_result_rows(rows);
    TwinInfo *list = ARENA_NEW_ARRAY(arena, TwinInfo, count);
    for (size_t i = 0; i < count; i++) {
        const char *record = pg_result_text(rows, (int64_t)i, 2);
        char built_at[64] = "";
        int target_at = 0;
        if (record != NULL)
            (void)sscanf(record, "fettle twin %*x %*x %*x %*x %63s %n", built_at, &target_at);
        list[i] =
            (TwinInfo){.database = arena_strdup(arena, pg_result_text(rows, (int64_t)i, 0)),
                       .target = arena_strdup(arena, target_at > 0 ? record + target_at : "(unfinished)"),
                       .built_at = arena_strdup(arena, built_at),
                       .size_bytes = sparse_disk_bytes(cluster_data_directory(cluster),
                                                       (uint32_t)pg_result_int(rows, (int64_t)i, 1, 0))};
    }
    *ret_list = list;
    *ret_count = count;
    return true;
}

bool
twin_drop(Cluster *cluster, const char *database, Error *error)
{
    if (!text_starts_with(database, DATABASE_PREFIX)) {
        error_set(error, ERROR_INPUT, "\"%.80s\" is not a twin", database);
        return error_set_hint(error, "list them with: fettle twin list");
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("twin drop", 1 << 20);
    TwinInfo *list;
    size_t count;
    if (!twin_list(arena, cluster, &list, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].database, database) == 0)
            return twin_database_drop(cluster, database, error);
    error_set(error, ERROR_NOT_FOUND, "there is no twin \"%.80s\"", database);
    return error_set_hint(error, "list them with: fettle twin list");
}
