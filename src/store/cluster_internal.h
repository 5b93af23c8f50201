// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the private cluster share.
 */
#ifndef FETTLE_STORE_CLUSTER_INTERNAL_H
#define FETTLE_STORE_CLUSTER_INTERNAL_H

#include "store/cluster.h"

#include "base/text.h"

#include <sys/types.h>

/* Who runs the postmaster. */
typedef struct ClusterUser {
    bool change; /* we are root and become this one */
    uid_t user;
    gid_t group;
} ClusterUser;

struct Cluster {
    Arena *arena;
    ClusterPurpose purpose;
    int sessions_most; /* CLUSTER_STORE */
    ClusterBinaries binaries;
    ClusterUser user;
    const char *data_directory; /* Fettle's, absolute */
    const char *directory;      /* <data>/cluster-<major>: holds everything below */
    const char *pgdata;
    const char *socket_directory;
    bool is_socket_elsewhere; /* the data directory's path is too long for a socket */
    const char *log_path;
    int64_t log_start_bytes; /* its size when the postmaster was started */
    int lock;                /* descriptor that holds the lock; -1 none */
    pid_t postmaster;        /* our child; 0 none */
    int watchdog_pipe;       /* its end says that we live; -1 none */
    pid_t watchdog;
    int64_t shared_buffers_bytes;
    bool (*keep_out)(void *context); /* of ClusterOptions */
    void *keep_out_context;
    bool is_unsynced;    /* just made, and not yet on the disk */
    bool has_many_locks; /* of ClusterOptions */
};

/* Fills in the paths, and makes nothing. */
bool cluster_place_name(Cluster *cluster, const char *told, Error *error) FETTLE_MUST_USE;
/* The same, and makes the data directory; refuses a place that the cluster's user cannot reach or
 * that has no room, before anything is made. */
bool cluster_place(Cluster *cluster, const char *told, Error *error) FETTLE_MUST_USE;
/* Free bytes for ordinary users where the path is, or would be; false when nobody knows. */
bool cluster_free_bytes(Arena *arena, const char *path, uint64_t *ret_bytes);
/* Room to start a cluster that is there; for who has the lock: one that runs may be joined without. */
bool cluster_check_space(const Cluster *cluster, Error *error) FETTLE_MUST_USE;
/* A directory under /tmp could be another user's trap: it must be ours alone. */
bool cluster_check_socket(const Cluster *cluster, Error *error) FETTLE_MUST_USE;

bool cluster_user_find(const char *name, ClusterUser *ret_user, Error *error) FETTLE_MUST_USE;

/* Makes PGDATA when it is not there whole; the marker file is written last, or left to cluster_complete(). */
bool cluster_create(Cluster *cluster, Deadline deadline, Error *error) FETTLE_MUST_USE;
/* Whether it was made to its end; of CLUSTER_STORE cluster_create() looks closer. */
bool cluster_is_whole(const Cluster *cluster);
/* Brings what was made to the disk and says so by the marker file; nothing may run on it. */
bool cluster_complete(Cluster *cluster, Error *error) FETTLE_MUST_USE;
/* Writes the settings; each start, so that options and versions take effect. */
bool cluster_configure(const Cluster *cluster, Error *error) FETTLE_MUST_USE;

/* The settings of CLUSTER_STORE, in place of the twins'. */
void cluster_store_settings(const Cluster *cluster, Text *text);
/* The major of the store that is in the data directory (the newest when an upgrade left two), 0: none. */
int cluster_store_major(const char *data_directory);

/* Stops an orphaned postmaster of this data directory, if one runs. */
bool cluster_orphan_stop(Cluster *cluster, Deadline deadline, Error *error) FETTLE_MUST_USE;
bool cluster_process_start(Cluster *cluster, Deadline deadline, Error *error) FETTLE_MUST_USE;
void cluster_process_stop(Cluster *cluster);

/* Takes <data>/lock (the store: <data>/store-lock) or says who has it. */
bool cluster_lock_take(Cluster *cluster, const char *data_directory, Error *error) FETTLE_MUST_USE;

#endif
