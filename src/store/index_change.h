// SPDX-License-Identifier: PostgreSQL
/*
 * Index changes: the history of what was created and dropped on the targets (fettle.index_changes), and the
 * memory that lets a change survive a kill at any moment.
 *
 *   pending ──► running ──► completed | failed | cancelled
 *
 * A change's row is there, committed, with its statement and its undo, before the first statement is sent.
 * On one table only one change is open at a time; the store itself refuses a second one. Whoever works on a
 * change holds index_change_lock() meanwhile, on one session of the store: a change that is open and not
 * locked was left behind by a process that died, and whoever gets its lock may finish it.
 *
 * An end is written once: later ends of the same change are ignored, so that two finishers cannot contradict
 * each other.
 */
#ifndef FETTLE_STORE_INDEX_CHANGE_H
#define FETTLE_STORE_INDEX_CHANGE_H

#include "pg/connection.h"

#define INDEX_CHANGES_MOST 500

/* What was sent to the target last, recorded before it was. */
typedef struct IndexSent {
    const char *action;        /* create, drop; NULL: nothing was sent */
    uint32_t index_oid;        /* of what is dropped; 0: none, or an earlier version kept no record */
    int64_t system_identifier; /* of the server; 0: it is not told */
    int64_t server_start_us;
    int64_t pid; /* of the server's process, with its start */
    int64_t backend_start_us;
} IndexSent;

typedef struct IndexChange {
    int64_t id;
    int64_t recommendation_id; /* 0: none */
    int64_t target_id;
    const char *database_name;
    const char *action; /* create, drop, modify */
    const char *schema_name;
    const char *table_name;
    const char *index_name;
    const char *const *columns; /* names, and expressions as written */
    size_t column_count;
    const char *index_type;
    const char *sql;
    const char *undo_sql;
    bool is_undo;            /* it takes an earlier change back */
    int64_t begin_before_us; /* it does not begin later; 0: whenever its turn comes; only written */
    const char *state;       /* pending, running, completed, failed, cancelled */
    int success;             /* -1 not known yet, 0, 1 */
    const char *error_message;
    double duration_ms; /* NAN: it has not ended */
    const char *performed_by;
    int64_t performed_at_us;
    int64_t started_at_us;   /* 0: not yet */
    int64_t completed_at_us; /* 0: not yet */
    int64_t attempts;
    int64_t backend_pid;  /* of the last attempt on the target; 0: none yet */
    const char *progress; /* JSON object text; NULL: none yet */
    const char *doing;    /* the same for people, of one that runs; NULL: nothing to say */
    bool wants_cancel;
    IndexSent sent;
} IndexChange;

typedef struct IndexChanges {
    IndexChange *items;
    size_t count;
    int64_t total; /* that there are, beyond the limit too */
} IndexChanges;

/* Records what is going to be done, from the fields up to begin_before_us and performed_by. ERROR_CONFLICT
 * when another change of the table is open, or a pause stands against it (pause.h). */
bool index_change_begin(PgConnection *session, Arena *arena, const IndexChange *change, int64_t *ret_id,
                        Error *error) FETTLE_MUST_USE;
/* An attempt starts, by this backend of the target. must_finish: there is no way back, so that a wish to
 * cancel is dropped. *ret_wants_cancel: it should rather not. */
bool index_change_attempt(PgConnection *session, int64_t id, int backend_pid, bool must_finish,
                          bool *ret_wants_cancel, Error *error) FETTLE_MUST_USE;
/* The attempt ended before anything was sent. Of a change's first that takes back that the change has
 * started; a later one, and what is over, is left as it is. */
bool index_change_not_begun(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;
/* A statement is about to be sent; one without an action: it was not after all. ERROR_NOT_FOUND when the
 * change is over. */
bool index_change_sent(PgConnection *session, int64_t id, const IndexSent *sent, Error *error)
    FETTLE_MUST_USE;
/* progress: JSON object text, NULL leaves it. ERROR_NOT_FOUND when the change is over. */
bool index_change_progress(PgConnection *session, int64_t id, const char *progress, bool *ret_wants_cancel,
                           Error *error) FETTLE_MUST_USE;
/* state: completed, failed or cancelled. In the same transaction a success settles the recommendation that it
 * carries out and opens the implementation (contract, 7.3): the recommendation of the workflow is dismissed
 * as implemented, or made when there is none, with a snapshot of the statement's figures, or of all of the
 * database. Within a transaction of the caller's, all of it is part of that. */
bool index_change_end(PgConnection *session, int64_t id, const char *state, const char *error_message,
                      Error *error) FETTLE_MUST_USE;
/* Why it is still open, as error_message until its end. */
bool index_change_note(PgConnection *session, int64_t id, const char *message, Error *error) FETTLE_MUST_USE;
/* Asks whoever works on it to stop. ERROR_NOT_FOUND: there is no open change with this id. */
bool index_change_cancel(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;
/* The process that works on it ends, which is nobody's wish: what waited for its moment waits on, and an
 * automatic undo is made later; any other change is over. A wish that was stated before stays. */
bool index_change_stop(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;
/* True when the index that the change drops was made by an earlier change. */
bool index_change_takes_back(PgConnection *session, int64_t id, const char *index_name, bool *ret_does,
                             Error *error) FETTLE_MUST_USE;

/* Held until index_change_unlock() or the session's end. */
bool index_change_lock(PgConnection *session, int64_t id, bool *ret_locked, Error *error) FETTLE_MUST_USE;
bool index_change_unlock(PgConnection *session, int64_t id, Error *error) FETTLE_MUST_USE;

bool index_change_get(PgConnection *session, Arena *arena, int64_t id, IndexChange *ret_change, Error *error)
    FETTLE_MUST_USE;
/* The newest first; target_id 0: all; most 1 .. INDEX_CHANGES_MOST. */
bool index_change_list(PgConnection *session, Arena *arena, int64_t target_id, bool only_open, size_t most,
                       IndexChanges *ret_changes, Error *error) FETTLE_MUST_USE;

#endif
