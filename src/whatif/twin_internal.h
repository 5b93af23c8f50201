// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the twin share: twin.c (open, refresh, list), twin_build.c (database and DDL),
 * twin_data.c (sizes, statistics, ends, through the module), sparse.c and sparse_statistics.c (the same on a
 * stock server), twin_losses.c, twin_settings.c (the application's session).
 */
#ifndef FETTLE_WHATIF_TWIN_INTERNAL_H
#define FETTLE_WHATIF_TWIN_INTERNAL_H

#include "whatif/twin.h"
#include "whatif/twin_ddl.h"

/* The role that owns twins: it may log in and own its database, nothing else. */
#define TWIN_ROLE "fettle_twin"

struct Twin {
    Arena *arena;
    Cluster *cluster;
    const Snapshot *snapshot;
    TwinOptions options;
    const char *database;
    const char
        *module_path;    /* copy of fettle_twin-N.so that the server can read; NULL: none for this major */
    PgConnection *admin; /* superuser session in the twin's database */
    Map *ids;            /* target OID -> TwinId */
    uint32_t role_id;
    TwinPart part; /* being made: what is lost now is lost by it */
    TwinReport report;
};

typedef struct TwinId {
    uint32_t id;
} TwinId;

/* What a twin was made from, kept as the database's comment. */
typedef struct TwinRecord {
    uint64_t schema_hash;
    uint64_t sizes_hash;
    uint64_t statistics_hash;
    uint64_t ends_hash;
    const char *target;
    const char *built_at;
} TwinRecord;

/* The superuser's session in the twin's database. Its search_path is pg_catalog alone: what the target's
 * schema brought must not be called by our own statements. */
bool twin_admin_connect(Twin *twin, Error *error) FETTLE_MUST_USE;

void twin_progress(const Twin *twin, const char *step, int64_t done, int64_t total);
void twin_lose(Twin *twin, const char *object, const char *reason);

/* twin_losses.c: losses are kept in the twin's database, for a refresh makes anew only what changed. */
bool twin_losses_write(Twin *twin, Error *error) FETTLE_MUST_USE;
/* Adds the kept losses of a part that is not made anew. */
bool twin_losses_read(Twin *twin, TwinPart part, Error *error) FETTLE_MUST_USE;

/* twin_build.c */
bool twin_module_place(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_database_create(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_database_drop(Cluster *cluster, const char *database, Error *error) FETTLE_MUST_USE;
bool twin_schema_make(Twin *twin, const TwinDdl *ddl, Error *error) FETTLE_MUST_USE;

/* twin_data.c */
bool twin_ids_read(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_sizes_write(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_statistics_write(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_ends_write(Twin *twin, Error *error) FETTLE_MUST_USE;

/* sparse.c, sparse_statistics.c: TWIN_METHOD_SPARSE_FILES */
bool twin_sparse_install(Twin *twin, Error *error) FETTLE_MUST_USE;
void twin_sparse_lose_ends(Twin *twin);
bool twin_sparse_sizes_write(Twin *twin, Error *error) FETTLE_MUST_USE;
bool twin_sparse_statistics_write(Twin *twin, Error *error) FETTLE_MUST_USE;

/* twin_settings.c: planner settings and search_path of the application on a session of the twin or of the
 * target. */
bool twin_settings_apply(const Snapshot *snapshot, PgConnection *connection, Error *error) FETTLE_MUST_USE;

#endif
