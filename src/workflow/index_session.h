// SPDX-License-Identifier: PostgreSQL
/*
 * IndexSession: the sessions on a target that the index manager works with, and its questions there.
 *
 * Reading sessions are read-only like all of Fettle's. A changing session is the one exception: it is opened
 * for one recorded change, has that change's number in its application_name (so that whoever comes after a
 * crash can see whether the server still works on it), a lock_timeout of its own, and statement_timeout 0
 * only while the index is built or dropped. No other part of Fettle opens one.
 *
 * Facts are of the moment they were read. Texts are the target's: hostile until parsed.
 */
#ifndef FETTLE_WORKFLOW_INDEX_SESSION_H
#define FETTLE_WORKFLOW_INDEX_SESSION_H

#include "base/settings.h"
#include "pg/connection.h"
#include "store/index_change.h"
#include "workflow/index_lock.h"

#include <stdatomic.h>

/* What all of the index manager's work needs. */
typedef struct IndexManager {
    Store *store;
    const Settings *settings;
    /* Of a process that works on several changes; NULL: each has a lock and a session of its own. */
    IndexLocks *locks;
    /* While true no work goes on: what runs is cancelled and cleaned up. NULL: nobody stops it. */
    const atomic_bool *stop;
    /* While true who stops it is a person who does not want the change any more, not a process that ends.
     * NULL: never. */
    const atomic_bool *stop_is_wish;
    /* Called about once a second, on a thread of its own, with what the server does; NULL: nobody looks. */
    void (*progress)(void *context, const char *step, int64_t done, int64_t total);
    void *context;
    /* Becomes true when a target is asked for a session: what fails before says nothing of it. NULL: nobody
     * wants to know. */
    bool *is_asked;
    /* Becomes true when why a change stays open was noted before. NULL: nobody wants to know. */
    bool *is_known;
} IndexManager;

/* Where a table or index is. */
typedef struct IndexTable {
    uint32_t oid;
    const char *schema;
    const char *name;
    char kind; /* relkind */
    bool is_owned;
    bool can_create;  /* in its schema */
    double row_count; /* -1 never analysed */
    int64_t size_bytes;
    bool is_standby;
    bool is_read_only; /* a transaction that does not say otherwise */
    bool can_use;      /* its schema */
    const char *role;  /* of the session */
} IndexTable;

typedef struct IndexFacts {
    uint32_t oid;
    const char *schema;
    const char *name;
    char kind;         /* relkind; 'i' for what can be worked on */
    const char *table; /* NULL: it is no index */
    bool is_valid;
    bool is_replica_identity;
    const char *constraint; /* that it backs; NULL none, as below */
    const char *referenced; /* foreign key that needs its uniqueness */
    const char *extension;  /* that owns it */
    const char *lookup;     /* foreign key of its table that only this index finds rows for */
    bool is_partition;
    bool is_owned;
    const char *definition; /* with the tablespace; NULL: it is no index */
    bool is_being_built;    /* or, of an invalid one, an index of its table: that may be its rebuilding */
    bool is_standby;
    bool is_read_only; /* as of IndexTable */
    bool is_clustered; /* its table is, by it */
    bool can_use;      /* its schema */
    bool can_create;   /* in its schema: such as it, again */
    bool can_place;    /* such as it in its tablespace */
    const char *marks; /* statements, joined by ";", for what its definition does not say; NULL: none */
    const char *role;
    const char *method;
} IndexFacts;

/* Where a new index goes. Directories are NULL where they are another machine's, or not shown to the role. */
typedef struct IndexPlace {
    const char *tablespace;
    const char *directory;
    const char *sort_directory; /* where its sort spills, unless elsewhere */
    bool is_sort_elsewhere;     /* where temp_tablespaces say */
    int64_t sort_memory_bytes;  /* maintenance_work_mem */
} IndexPlace;

/* A reading session on a database of the target; database NULL: the one of its connection string. */
bool index_session_read(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
                        PgConnection **ret_connection, Error *error) FETTLE_MUST_USE;
/* The changing session of one recorded change. */
bool index_session_change(const IndexManager *manager, Arena *arena, int64_t target_id, const char *database,
                          int64_t change_id, PgConnection **ret_connection, Error *error) FETTLE_MUST_USE;
/* The application_name that a changing session has. */
char *index_session_name(Arena *arena, int64_t change_id);

/* ERROR_INPUT: there is none of that name (and schema), or several without a schema to tell them apart. */
bool index_table_find(PgConnection *connection, Arena *arena, const char *schema, const char *name,
                      IndexTable *ret_table, Error *error) FETTLE_MUST_USE;
/* ERROR_INPUT names the first that is no column; *ret_width is what one entry takes, estimated. */
bool index_columns_check(PgConnection *connection, Arena *arena, const IndexTable *table,
                         const char *const *columns, size_t count, double *ret_width, Error *error)
    FETTLE_MUST_USE;
/* Schema "pg_temp" is the session's own. *ret_found false: no relation has the name. ERROR_INPUT: several
 * have, without a schema. */
bool index_facts_find(PgConnection *connection, Arena *arena, const char *schema, const char *name,
                      bool *ret_found, IndexFacts *ret_facts, Error *error) FETTLE_MUST_USE;
/* True when the backend of the change's last attempt still works for it. */
bool index_backend_is_busy(PgConnection *connection, Arena *arena, const IndexChange *change, bool *ret_busy,
                           Error *error) FETTLE_MUST_USE;
/* Whose transactions use a table, or hold a lock of it that stands against ours, for people: at most three,
 * the oldest first; NULL: none now, or it cannot be asked. table: its whole name, quoted. */
const char *index_holders(PgConnection *connection, Arena *arena, const char *table, bool only_of_lock);
/*
 * The table's lock is tried for a limited time, and given back; the statement itself then waits without one.
 * Within a build the server waits for transactions that are older than it, at its end too: a limit would
 * throw hours of work away for a report that takes a minute. Nobody reads or writes behind such a wait;
 * whoever wants it to end cancels. LOCK TABLE takes no materialized view; a comment on it, taken back, takes
 * the same lock.
 */
bool index_table_lock_try(const IndexManager *manager, PgConnection *connection, const char *schema,
                          const char *name, Error *error) FETTLE_MUST_USE;
/* The tablespace of an index whose statement names one, or none (NULL): then the session's default_tablespace
 * says. ERROR_INPUT: there is none of the name; ERROR_PERMISSION: the role may not put an index there. */
bool index_place_find(PgConnection *connection, Arena *arena, const char *tablespace, IndexPlace *ret_place,
                      Error *error) FETTLE_MUST_USE;
/* Refuses (ERROR_DISK_FULL) what would leave less than index.free_space_floor on the place's disk, or on that
 * of the sort. A sort that spills elsewhere is looked for beside the index; where a directory is not known
 * nothing is. *ret_free_bytes, of the place, is -1 where the free space cannot be known. */
bool index_space_check(const IndexManager *manager, const IndexPlace *place, double index_bytes,
                       int64_t *ret_free_bytes, Error *error) FETTLE_MUST_USE;

#endif
