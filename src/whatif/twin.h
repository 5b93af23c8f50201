// SPDX-License-Identifier: PostgreSQL
/*
 * Twin: a database in the private cluster with a snapshot's schema, sizes and statistics, and no rows, in
 * which the planner answers as the target's would.
 *
 * Objects are made in the target's OID order (the planner breaks ties by it), by our own DDL from the
 * snapshot, with retries for what depends on later objects. Sizes, tree heights, statistics and live index
 * ends are given through the fettle_twin module (twin_module/README.md); where no module fits the cluster's
 * major, tables and indexes get sparse files of the target's sizes instead (sparse.c), and the twin says so
 * (TWIN_METHOD_SPARSE_FILES): it lacks live index ends and most common values of extended statistics.
 *
 * The target is untrusted: DDL and EXPLAIN run as a role without rights (no superuser, no files, no other
 * database), with statement_timeout, one statement at a time; untrusted languages are not created.
 *
 * A twin is kept: its database's name comes from the target's system identifier and database name, and the
 * snapshot it was built from is remembered, so that twin_open() with a newer snapshot refreshes only what
 * changed.
 */
#ifndef FETTLE_WHATIF_TWIN_H
#define FETTLE_WHATIF_TWIN_H

#include "snapshot/snapshot.h"
#include "store/cluster.h"

typedef struct Twin Twin;

typedef enum TwinMethod { TWIN_METHOD_MODULE, TWIN_METHOD_SPARSE_FILES } TwinMethod;
const char *twin_method_word(TwinMethod method); /* "module", "sparse_files" */

typedef struct TwinOptions {
    bool rebuild;   /* drop and build anew even when a twin exists */
    bool only_made; /* ERROR_NOT_FOUND unless there is one of the snapshot's schema, which is refreshed */
    int statement_timeout_ms; /* of planner questions; 0: 10 s */
    void (*progress)(void *context, const char *step, int64_t done, int64_t total); /* may be NULL */
    void *context;
} TwinOptions;

/* The part of making a twin in which something was lost. */
typedef enum TwinPart { TWIN_PART_SCHEMA, TWIN_PART_ENDS, TWIN_PART_STATISTICS, TWIN_PART_SIZES } TwinPart;

/* Something of the target that the twin does not have, and why. */
typedef struct TwinLoss {
    TwinPart part;
    const char *object; /* "table public.orders", "extension postgis" */
    const char *reason;
} TwinLoss;

VECTOR_DEFINE(TwinLossList, TwinLoss);

typedef struct TwinReport {
    TwinMethod method;
    bool was_refreshed; /* false: built anew */
    int twin_major;
    int64_t objects_made;
    int64_t objects_changed; /* by a refresh */
    double build_ms;
    TwinLossList losses;
} TwinReport;

/* Builds or refreshes the twin of the snapshot. The snapshot and the cluster must outlive it. */
bool twin_open(Arena *arena, Cluster *cluster, const Snapshot *snapshot, const TwinOptions *options,
               Twin **ret_twin, Error *error) FETTLE_MUST_USE;
void twin_close(Twin *twin); /* keeps the database; NULL is allowed */
void twin_close_at(Twin **twin);

const TwinReport *twin_report(const Twin *twin);
const Snapshot *twin_snapshot(const Twin *twin);
const char *twin_database(const Twin *twin);
const char *twin_cluster_directory(const Twin *twin); /* PGDATA of its server */

/* A session for planner questions, as the twin's own role, with the application's settings and search_path.
 */
bool twin_connect(Twin *twin, PgConnection **ret_connection, Error *error) FETTLE_MUST_USE;

/* The relation or index on the twin for a target's OID; 0 when it has none. */
uint32_t twin_relation_id(const Twin *twin, uint32_t target_id);

/* Why the twin lacks a relation of the target; NULL when it has it or no reason is known. */
const char *twin_relation_loss(const Twin *twin, const SnapshotRelation *relation);

typedef struct TwinInfo {
    const char *database;
    const char *target;   /* "shop on 7301...": what it is the twin of */
    const char *built_at; /* RFC 3339 UTC */
    int64_t size_bytes;   /* on disk, holes of files not counted */
} TwinInfo;

bool twin_list(Arena *arena, Cluster *cluster, TwinInfo **ret_list, size_t *ret_count, Error *error)
    FETTLE_MUST_USE;
bool twin_drop(Cluster *cluster, const char *database, Error *error) FETTLE_MUST_USE;

#endif
