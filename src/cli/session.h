// SPDX-License-Identifier: PostgreSQL
/*
 * What most verbs begin with: a snapshot from a target or a file, the private cluster, the twin.
 */
#ifndef FETTLE_CLI_SESSION_H
#define FETTLE_CLI_SESSION_H

#include "cli/cli.h"
#include "snapshot/read.h"
#include "snapshot/snapshot.h"
#include "store/cluster.h"
#include "whatif/fidelity.h"
#include "whatif/twin.h"

typedef struct CliSession {
    PgConnection *target; /* NULL when the snapshot came from a file */
    const char *source;   /* for people: "app@db:5432/shop" or "shop.fettle" */
    SnapshotEnds ends;    /* whether session_read() reads them */
    const Snapshot *snapshot;
    Cluster *cluster;
    Twin *twin;
} CliSession;

/* The target of a verb: its first argument, else $FETTLE_TARGET. */
bool session_open_target(CliInput *input, CliSession *session, Error *error) FETTLE_MUST_USE;

/* Reads the snapshot from the target, or from the file that the argument or --snapshot names; --snapshot,
 * --workload, --role and --watch are honoured when the verb has them. */
bool session_read(CliInput *input, CliSession *session, Error *error) FETTLE_MUST_USE;

/* Starts the private cluster, whose major is the snapshot's when there is one. */
bool session_open_cluster(CliInput *input, CliSession *session, Error *error) FETTLE_MUST_USE;
/* Whether there is one for the target already, as session_open_cluster() would find it; no: also where that
 * cannot be told. */
bool session_cluster_is_made(CliInput *input, const CliSession *session);
bool session_open_twin(CliInput *input, CliSession *session, bool rebuild, Error *error) FETTLE_MUST_USE;
/* Only a twin that is there already. */
bool session_open_made_twin(CliInput *input, CliSession *session, Error *error) FETTLE_MUST_USE;

void session_close(CliSession *session);

/* For FETTLE_CLEANUP. */
void session_close_at(CliSession *session);

/* Shows progress for the floors' callbacks; context is not used. */
void session_progress(void *context, const char *step, int64_t done, int64_t total);

#endif
