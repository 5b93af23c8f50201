// SPDX-License-Identifier: PostgreSQL
/*
 * Cluster: a private PostgreSQL of Fettle's. There are two, of one kind each: one holds the planner twins and
 * may lose everything, the other holds the store and loses nothing that was committed. They share no file, so
 * that a hostile definition on a twin cannot stop the store.
 *
 * Created by initdb in a directory of Fettle's own, started as our direct child, on a unix socket in a 0700
 * directory only (no TCP), with small memory. Started as root, Fettle runs it as an unprivileged user and
 * gives it the directory. One Fettle process uses one data directory: a lock file is held for as long as the
 * cluster is open, and a second process gets ERROR_CONFLICT naming the first.
 *
 * Dying: when Fettle dies by any signal, a parent-death signal and a watchdog pipe stop the postmaster
 * (SIGINT, fast shutdown). When the postmaster dies, the next open recovers it; cluster_is_alive() tells. A
 * stale postmaster.pid, an orphaned postmaster of an earlier Fettle, a half-made initdb (a marker file is
 * written last) are each mended on open. A data directory of another major is refused with the package that
 * would serve it, never touched.
 *
 * Authentication is peer-less trust inside the 0700 directory: who can enter it is the owner. Roles: the
 * superuser "fettle" (ours) and, per twin, roles without any right beyond it.
 */
#ifndef FETTLE_STORE_CLUSTER_H
#define FETTLE_STORE_CLUSTER_H

#include "pg/connection.h"

typedef struct Cluster Cluster;

typedef enum ClusterPurpose {
    CLUSTER_TWIN,  /* <data>/cluster-<major>: fast, forgetful */
    CLUSTER_STORE, /* <data>/store-<major>: durable; stays with the major it was made with */
} ClusterPurpose;

typedef struct ClusterOptions {
    ClusterPurpose purpose;
    int sessions_most;              /* CLUSTER_STORE: sessions it must allow; 0: 20 */
    const char *data_directory;     /* Fettle's data directory */
    const char *binaries_directory; /* these and no others; NULL or "": found by cluster_binaries_find() */
    int preferred_major;            /* 0: the newest found */
    int64_t shared_buffers_bytes;   /* 0: 16 MB */
    const char *run_as_user;        /* when root; NULL: "postgres" if that user exists, else "nobody" */
    Deadline deadline;              /* for start; 0: 60 s */
    bool has_many_locks; /* CLUSTER_STORE: one session will make a whole store in one transaction */
    bool (*keep_out)(void *context); /* CLUSTER_STORE: see below; may be NULL */
    void *keep_out_context;
} ClusterOptions;

/*
 * keep_out() is asked when a store has to be made: true promises that nobody but the caller is let in before
 * the first cluster_restart(), which is to be called once the schema is there. Until then the store waits for
 * no disk; the restart brings all of it there. What dies before is made anew by the next open.
 */

/* One installation of server programs. */
typedef struct ClusterBinaries {
    const char *directory; /* holds postgres, initdb, pg_ctl */
    int major;
    const char *version; /* "15.20" */
} ClusterBinaries;

/* All installations found in the usual places (/usr/lib/postgresql/N/bin, /usr/pgsql-N/bin,
 * /usr/local/pgsql/bin, PATH), newest first; ERROR_MISSING_DEPENDENCY with the package to install when there
 * is none. */
bool cluster_binaries_list(Arena *arena, ClusterBinaries **ret_list, size_t *ret_count, Error *error)
    FETTLE_MUST_USE;
/* The best for a target: the same major, else the nearest newer, else the nearest older. */
bool cluster_binaries_find(Arena *arena, int preferred_major, ClusterBinaries *ret_binaries, Error *error)
    FETTLE_MUST_USE;

/* Those in a directory; ERROR_INPUT when it holds none. */
bool cluster_binaries_at(Arena *arena, const char *directory, ClusterBinaries *ret_binaries, Error *error)
    FETTLE_MUST_USE;

/* Creates it when missing, starts it, waits until it answers. */
bool cluster_open(const ClusterOptions *options, Cluster **ret_cluster, Error *error) FETTLE_MUST_USE;
/* Stops it (fast, then immediate after 10 s) and releases the lock; NULL is allowed. */
void cluster_close(Cluster *cluster);
void cluster_close_at(Cluster **cluster);

bool cluster_is_alive(Cluster *cluster);
/* When the cluster's disk is full, says so in an error that came of it (a lost session, a failed write).
 * Always false, to end a return statement. */
bool cluster_explain_failure(const Cluster *cluster, Error *error);
/* Stops it, if it runs, and starts it again; every session ends. */
bool cluster_restart(Cluster *cluster, Error *error) FETTLE_MUST_USE;

int cluster_major(const Cluster *cluster);
const char *cluster_socket_directory(const Cluster *cluster);
const char *cluster_data_directory(const Cluster *cluster); /* PGDATA */
const char *cluster_binaries_directory(const Cluster *cluster);
int cluster_postmaster_pid(const Cluster *cluster);
/* Uid that runs the postmaster; files it must read have to be readable by it. */
uint32_t cluster_user(const Cluster *cluster);
/* Where a cluster of the options is, or would be made, without opening it: the directory of its socket. For
 * reaching one that another process holds. */
bool cluster_locate(Arena *arena, const ClusterOptions *options, const char **ret_socket_directory,
                    Error *error) FETTLE_MUST_USE;
/* Whether a CLUSTER_TWIN of the options is made, for who would use one and make none: what cluster_open()
 * would start without making anything. Makes and starts nothing. */
bool cluster_is_made(Arena *arena, const ClusterOptions *options, bool *ret_is_made, Error *error)
    FETTLE_MUST_USE;
/* Sum of the proportional memory (PSS) of its processes, bytes; -1 when /proc does not tell. */
int64_t cluster_memory_bytes(const Cluster *cluster);

/* A session as the superuser, or as user, in a database of the cluster. */
bool cluster_connect(Cluster *cluster, const char *database, const char *user, PgConnection **ret_connection,
                     Error *error) FETTLE_MUST_USE;

/* Removes the cluster's files for good; it must not be open by anyone. */
bool cluster_destroy(const char *data_directory, int major, Error *error) FETTLE_MUST_USE;

#endif
