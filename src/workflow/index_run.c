// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_run.h"

#include "base/log.h"
#include "pg/identifier.h"
#include "pg/result.h"
#include "sql/index_statement.h"
#include "sql/statement.h"
#include "store/index_change.h"
#include "store/index_recommendation.h"
#include "workflow/index_definition.h"
#include "workflow/index_fault.h"
#include "workflow/index_plan.h"
#include "workflow/index_sent.h"
#include "workflow/index_watch_internal.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define RUN_ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define PAUSE_MS_FIRST 1000
#define PAUSE_MS_MOST 60000
#define STEP_MS 100
#define CLEAN_MS 60000
#define CLEAN_LOCK_TIMEOUT "'2s'"
#define SQLSTATE_LOCKED "55P03"
#define SQLSTATE_UNIQUE "23505"
#define DEFINED_OTHERWISE "index %s has another definition now: it was altered, or dropped and made anew"

typedef struct IndexRun {
    const IndexManager *manager;
    Arena *arena;
    IndexChange change;
    SqlIndexStatement index; /* of this step; that it has to be, or is: by it ours is known */
    SqlIndexStatement
        successor;         /* that must be there before the index is dropped; of a change that modifies */
    const char *statement; /* made anew: what the store holds is only data */
    TextList marks;        /* statements that follow it, of a step that creates */
    const char *remark;    /* on a change that is completed; NULL: none */
    bool is_creating;
    bool is_modifying; /* creates first, then drops what is replaced */
    bool is_left;      /* by a process that died: settled, not begun anew */
    bool is_cancelled;
    bool must_finish; /* a drop whose index is invalid already: there is no way back */
    bool is_lost;     /* the attempt's session: what is left behind, only another session can tell */
} IndexRun;

typedef enum Verdict {
    VERDICT_COMPLETED,
    VERDICT_FAILED,
    VERDICT_CANCELLED,
    VERDICT_AGAIN,  /* after a pause */
    VERDICT_OPEN,   /* cannot be told now: the change stays open */
    VERDICT_RUN_IT, /* nothing stands against sending the statement */
} Verdict;

static bool
is_stopping(const IndexManager *manager)
{
    return manager->stop != NULL && atomic_load(manager->stop);
}

/* As the store has it now; a store that does not answer wants nothing. */
static bool
is_cancel_asked(const IndexRun *run)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    bool wanted = false;
    (void)!(store_session_take(run->manager->store, 0, &session, &error) &&
            index_change_progress(session.connection, run->change.id, NULL, &wanted, &error));
    return wanted;
}

/* False when it was cancelled meanwhile. */
static bool
pause_for(const IndexRun *run, int64_t milliseconds)
{
    Deadline until = deadline_after_ms(milliseconds);
    int64_t ask_at_ms = clock_monotonic_ms() + PAUSE_MS_FIRST;
    while (!deadline_passed(until) && !is_stopping(run->manager)) {
        struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
        (void)nanosleep(&step, NULL);
        if (clock_monotonic_ms() < ask_at_ms)
            continue;
        if (is_cancel_asked(run))
            return false;
        ask_at_ms = clock_monotonic_ms() + PAUSE_MS_FIRST;
    }
    return !is_stopping(run->manager);
}

static bool
end_write(const IndexRun *run, const char *state, const char *message, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(run->manager->store, 0, &session, error) &&
           index_change_end(session.connection, run->change.id, state, message, error);
}

static bool
attempt_write(IndexRun *run, PgConnection *connection, bool *ret_wants_cancel, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    int pid = pg_connection_backend_pid(connection);
    if (!store_session_take(run->manager->store, 0, &session, error) ||
        !index_change_attempt(session.connection, run->change.id, pid, run->must_finish, ret_wants_cancel,
                              error))
        return false;
    run->change.backend_pid = pid;
    return true;
}

/* That it was stopped outlives this process, whatever is left to be cleaned up: whoever does that tells the
 * history. Who asked through the store is known there. */
static void
stop_write(const IndexRun *run)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    const atomic_bool *wish = run->manager->stop_is_wish;
    bool is_wish = wish != NULL && atomic_load(wish);
    if (!is_stopping(run->manager))
        return;
    if (!store_session_take(run->manager->store, 0, &session, &error) ||
        !(is_wish ? index_change_cancel : index_change_stop)(session.connection, run->change.id, &error))
        log_write(LOG_LEVEL_DEBUG, "%s", error.message);
}

/* Nothing was sent in the attempt that was recorded. A store that does not answer is told of the end in vain,
 * too, and then somebody settles what is left open. */
static void
not_begun_write(const IndexRun *run)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    if (!store_session_take(run->manager->store, 0, &session, &error) ||
        !index_change_not_begun(session.connection, run->change.id, &error))
        log_write(LOG_LEVEL_DEBUG, "%s", error.message);
}

/* What is there now under the change's name. */
static bool
facts_now(const IndexRun *run, PgConnection *connection, bool *ret_found, IndexFacts *ret_facts,
          bool *ret_is_its, Error *error)
{
    *ret_is_its = false;
    return index_facts_find(connection, run->arena, run->index.schema, run->index.name, ret_found, ret_facts,
                            error) &&
           (!*ret_found ||
            index_definition_is(connection, run->arena, &run->index, ret_facts, ret_is_its, error));
}

/*
 * Removes an invalid index of ours; success when there is none (any more). Removing waits for the
 * transactions that use the table, as building does, and blocks nobody meanwhile; so it is tried in short
 * turns, between which the service may stop.
 */
static bool
leftover_drop(const IndexRun *run, PgConnection *connection, Error *error)
{
    const char *text = index_drop_statement(run->arena, run->index.schema, run->index.name);
    /* whoever settles looks again soon, or is somebody who waits for something else */
    Deadline until = deadline_after_ms(run->is_left ? 0 : CLEAN_MS);
    if (!pg_execute(connection, "SET lock_timeout = " CLEAN_LOCK_TIMEOUT, error))
        return false;
    if (run->manager->progress != NULL && !run->is_left)
        run->manager->progress(run->manager->context, "dropping what the build left", 0, 0);
    for (;;) {
        IndexFacts facts;
        bool is_found;
        bool is_its;
        error_clear(error);
        if (!facts_now(run, connection, &is_found, &facts, &is_its, error))
            return false;
        if (!is_found || !is_its || facts.is_valid)
            return true;
        if (facts.is_being_built)
            return error_set(error, ERROR_CONFLICT, "index %s, or another one of its table, is being built",
                             run->index.name);
        PgQuery query = {.text = text, .deadline = DEADLINE_NEVER};
        if (pg_query(connection, &query, NULL, error))
            return true;
        bool is_locked =
            strcmp(error->sqlstate, SQLSTATE_LOCKED) == 0 || strcmp(error->sqlstate, "40P01") == 0;
        if (!is_locked || is_stopping(run->manager) || deadline_passed(until))
            return false;
    }
}

/* The reason of a change that stays open is also that of its end, when nothing is left any more: the words
 * are true of both. */
static void
leftover_tell(const IndexRun *run, PgConnection *connection, const Error *cause, Error *failure)
{
    const char *reason = arena_strdup(run->arena, failure->message);
    const char *table = pg_identifier_qualify(run->arena, run->index.schema, run->index.table);
    const char *holders =
        strcmp(cause->sqlstate, SQLSTATE_LOCKED) == 0 && !pg_connection_is_broken(connection)
            ? index_holders(connection, run->arena, table, false)
            : NULL;
    (void)error_set(
        failure, failure->code,
        "%s; its invalid index %s could not be dropped at once (%s): the change ends when it is gone", reason,
        run->index.name,
        holders != NULL ? arena_printf(run->arena, "the table is in use by %s", holders) : cause->message);
}

/* The server may still work for an attempt whose session we lost: that is waited for. */
static bool
former_await(const IndexRun *run, PgConnection *connection, Error *error)
{
    IndexWatched watched = {.change_id = run->change.id,
                            .target_id = run->change.target_id,
                            .database = run->change.database_name,
                            .backend_pid = run->change.backend_pid};
    while (watched.backend_pid != 0) {
        bool is_busy;
        bool is_unwanted = false;
        if (!index_backend_is_busy(connection, run->arena, &run->change, &is_busy, error))
            return false;
        if (!is_busy)
            return true;
        /* A service that stops leaves the server at its work: the next start finds it. */
        if (is_stopping(run->manager))
            return error_set(error, ERROR_CANCELLED, "the service stops");
        if (!index_watch_look(run->manager, connection, &watched, &is_unwanted, error) ||
            (is_unwanted && !index_watch_cancel(connection, &watched, error)))
            return false;
        (void)pause_for(run, PAUSE_MS_FIRST);
    }
    return true;
}

/* What replaces the index may have gone since it was made: then nothing is dropped. */
static bool
successor_is_there(const IndexRun *run, PgConnection *connection, bool *ret_is_there, Error *error)
{
    IndexFacts facts;
    bool is_found;
    *ret_is_there = false;
    return index_facts_find(connection, run->arena, run->successor.schema, run->successor.name, &is_found,
                            &facts, error) &&
           (!is_found || !facts.is_valid ||
            index_definition_is(connection, run->arena, &run->successor, &facts, ret_is_there, error));
}

static bool
made_excuse(const IndexRun *run, IndexFacts *facts, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    bool takes_back = false;
    if (facts->lookup == NULL && facts->extension == NULL && facts->can_create && facts->can_place)
        return true;
    if (!store_session_take(run->manager->store, 0, &session, error) ||
        !index_change_takes_back(session.connection, run->change.id, run->index.name, &takes_back, error))
        return false;
    if (takes_back)
        index_facts_excuse(facts);
    return true;
}

/* What was advised to go because it was invalid may have been mended while the change waited for a thread. */
static bool
advice_check(const IndexRun *run, bool *ret_holds, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    IndexRecommendation advised;
    *ret_holds = true;
    if (run->change.recommendation_id == 0 || run->is_modifying)
        return true;
    if (!store_session_take(run->manager->store, 0, &session, error) ||
        !index_recommendation_get(session.connection, run->arena, run->change.recommendation_id, &advised,
                                  error))
        return false;
    *ret_holds = !advised.was_invalid;
    return true;
}

static Verdict
look_before_drop(IndexRun *run, PgConnection *connection, IndexFacts *facts, Error *error)
{
    bool is_there = true;
    /* an interrupted drop is finished; a fresh one is checked once more, and so is another index of the name
     */
    bool is_sent = index_sent_drop(&run->change);
    bool is_other = is_sent && run->change.sent.index_oid != 0 && run->change.sent.index_oid != facts->oid;
    /* whoever made it anew wants it */
    if (is_other) {
        error_set(error, ERROR_CONFLICT, "%sthe index of that name is another one now, rebuilt or made anew",
                  run->is_left ? "interrupted: " : "");
        return VERDICT_FAILED;
    }
    run->must_finish = !facts->is_valid;
    if (run->must_finish && is_sent)
        return VERDICT_RUN_IT;
    if (run->is_left && !run->is_modifying) {
        error_set(error, ERROR_CANCELLED, "%s",
                  is_sent ? "interrupted before the index was dropped: it is as it was"
                          : "interrupted before the drop was sent: the index is as it was");
        return VERDICT_FAILED;
    }
    bool is_as_advised = true;
    if ((run->is_modifying && !successor_is_there(run, connection, &is_there, error)) ||
        (facts->is_valid && !advice_check(run, &is_as_advised, error)))
        return VERDICT_OPEN;
    if (!is_as_advised) {
        error_set(error, ERROR_CONFLICT, "index %s was to go because it was invalid, and it is valid now",
                  facts->name);
        return VERDICT_FAILED;
    }
    if (!is_there) {
        error_set(error, ERROR_CONFLICT, "index %s, which replaces it, is gone", run->successor.name);
        return VERDICT_FAILED;
    }
    if (!made_excuse(run, facts, error))
        return VERDICT_OPEN;
    return index_facts_check_drop(run->arena, facts, error) ? VERDICT_RUN_IT : VERDICT_FAILED;
}

/* One that modifies may have one of each step. */
static void
remark_add(IndexRun *run, const char *remark)
{
    run->remark = run->remark == NULL ? remark : arena_printf(run->arena, "%s; %s", run->remark, remark);
}

/* The index that is to be dropped is not there under its name, and its drop was sent. found: another one that
 * has the name. */
static Verdict
gone_judge(IndexRun *run, PgConnection *connection, const IndexFacts *found, Error *error)
{
    IndexGone gone;
    const IndexSent *sent = &run->change.sent;
    if (!index_sent_judge(connection, run->arena, sent, &gone, error))
        return VERDICT_OPEN;
    bool is_unproven = gone.renamed == NULL && !gone.is_proven;
    if (found != NULL && (found->oid == sent->index_oid || is_unproven)) {
        error_set(error, ERROR_CONFLICT, DEFINED_OTHERWISE, run->index.name);
        return VERDICT_FAILED;
    }
    if (gone.renamed != NULL) {
        error_set(error, ERROR_CONFLICT, "index %s was not dropped: somebody renamed it to %s%s",
                  run->index.name, gone.renamed, gone.is_valid ? "" : ", and it is invalid");
        return VERDICT_FAILED;
    }
    if (gone.doubt != NULL)
        remark_add(run, arena_printf(run->arena,
                                     "index %s is gone; whether this change dropped it is not known: %s",
                                     run->index.name, gone.doubt));
    if (found != NULL)
        remark_add(run, arena_printf(run->arena, "the name %s is another index now", run->index.name));
    return VERDICT_COMPLETED;
}

/* What is to be dropped is not there any more. Only what was sent can have dropped it. found: what has the
 * name now, NULL: nothing. */
static Verdict
not_there_judge(IndexRun *run, PgConnection *connection, const IndexFacts *found, Error *error)
{
    if (index_sent_drop(&run->change))
        return gone_judge(run, connection, found, error);
    if (found != NULL)
        error_set(error, ERROR_CONFLICT, DEFINED_OTHERWISE, run->index.name);
    else
        error_set(error, ERROR_CONFLICT, "index %s is gone: somebody else dropped or renamed it",
                  run->index.name);
    return VERDICT_FAILED;
}

/* What modifies may have been ordered when the new index was there already: then its undo leaves that alone.
 */
static bool
undo_drops_what_is_made(const IndexRun *run)
{
    TextList undo =
        sql_split(run->arena, run->change.undo_sql, strlen(run->change.undo_sql), INDEX_STATEMENTS_MOST);
    return text_list_contains(&undo, index_drop_statement(run->arena, run->index.schema, run->index.name));
}

/* Under the change's name is what it was to make. Where somebody else may have made it, nothing that would
 * drop it or another one in its favour follows. */
static Verdict
made_judge(IndexRun *run, PgConnection *connection, Error *error)
{
    const char *doubt = NULL;
    bool is_sent = index_sent_create(&run->change);
    /* a drop that was sent came after the index was made */
    if (is_sent && !index_sent_drop(&run->change) &&
        !index_sent_judge_made(connection, &run->change.sent, &doubt, error))
        return VERDICT_OPEN;
    if (doubt != NULL) {
        const char *remark =
            arena_printf(run->arena, "index %s is there; whether this change made it is not known: %s",
                         run->index.name, doubt);
        index_sent_doubt(run->manager, &run->change);
        if (!run->is_modifying) {
            remark_add(run, remark);
            return VERDICT_COMPLETED;
        }
        error_set(error, ERROR_CONFLICT, "%s; nothing was dropped", remark);
        return VERDICT_FAILED;
    }
    if (is_sent || (run->is_modifying && !undo_drops_what_is_made(run)))
        return VERDICT_COMPLETED;
    error_set(error, ERROR_CONFLICT,
              "somebody else made index %s meanwhile, with this definition: nothing was done",
              run->index.name);
    return VERDICT_FAILED;
}

/* What the index itself says of how things stand, before a statement is sent. */
static Verdict
look_before(IndexRun *run, PgConnection *connection, Error *error)
{
    IndexFacts facts;
    bool is_found;
    bool is_its;
    Error cause = {0};
    if (!former_await(run, connection, error) ||
        !facts_now(run, connection, &is_found, &facts, &is_its, error))
        return VERDICT_OPEN;
    if (!run->is_creating && is_found && is_its)
        return look_before_drop(run, connection, &facts, error);
    if (!run->is_creating)
        return not_there_judge(run, connection, is_found ? &facts : NULL, error);
    if (is_its && facts.is_valid)
        return made_judge(run, connection, error);
    if (is_found && !is_its) {
        error_set(error, ERROR_CONFLICT, "the name %s is taken by another relation meanwhile", facts.name);
        return VERDICT_FAILED;
    }
    /* what is there, valid or not, is somebody else's */
    if (run->is_left && !index_sent_create(&run->change)) {
        error_set(error, ERROR_CANCELLED, "interrupted before the build was sent: nothing was begun");
        return VERDICT_FAILED;
    }
    /* that of a statement that was sent may be ours */
    if (is_found && facts.is_being_built && !index_sent_create(&run->change)) {
        error_set(error, ERROR_CONFLICT,
                  "another session builds the index, or one of its table, at this moment");
        return VERDICT_FAILED;
    }
    if (is_found && !leftover_drop(run, connection, &cause)) {
        const char *noted = run->is_left ? run->change.error_message : NULL;
        error_set(error, cause.code, "%s",
                  noted != NULL              ? noted
                  : run->is_left             ? "interrupted"
                  : run->change.attempts > 0 ? "its session was lost"
                                             : "not begun");
        if (noted == NULL)
            leftover_tell(run, connection, &cause, error);
        return VERDICT_OPEN;
    }
    if (!run->is_left)
        return VERDICT_RUN_IT;
    error_set(error, ERROR_CANCELLED, "interrupted: the build did not finish; nothing of it is left");
    return VERDICT_FAILED;
}

static bool
is_worth_another(const Error *failure)
{
    static const char *const states[] = {SQLSTATE_LOCKED, "40P01", "57P01", "57P02", "57P03"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(states); i++)
        if (strcmp(failure->sqlstate, states[i]) == 0)
            return true;
    return failure->code == ERROR_CONNECTION;
}

/* Nothing half done is left: no invalid index of a build, and none of a drop. */
static bool
clean_up(IndexRun *run, PgConnection *connection, Error *error)
{
    IndexFacts facts;
    bool is_found;
    bool is_its;
    if (pg_connection_is_broken(connection) ||
        !pg_execute(connection, "SET statement_timeout = '5min'", error))
        return false;
    if (run->is_creating)
        return leftover_drop(run, connection, error);
    return facts_now(run, connection, &is_found, &facts, &is_its, error) &&
           (!is_found || !is_its || facts.is_valid);
}

/* What a failed statement means, once nothing of it is left. */
static Verdict
failure_judge(IndexRun *run, PgConnection *connection, bool has_cancelled, Error *failure)
{
    Error error = {0};
    if (has_cancelled && strcmp(failure->sqlstate, "57014") == 0) {
        error_set(failure, ERROR_CANCELLED, "%s",
                  is_stopping(run->manager) ? "cancelled: Fettle was stopped" : "cancelled as was asked for");
        run->is_cancelled = true;
        stop_write(run);
    } else if (strcmp(failure->sqlstate, "57014") == 0) {
        error_set(failure, ERROR_CANCELLED, "someone cancelled the statement on the server");
    }
    /* the server's own words leave out why, and its detail shows values of users */
    if (strcmp(failure->sqlstate, SQLSTATE_UNIQUE) == 0)
        (void)error_set(failure, failure->code, "%s: rows have equal values",
                        arena_strdup(run->arena, failure->message));
    if (run->is_creating && index_fault_hint(failure) != NULL)
        (void)error_set(failure, failure->code, "%s (%s)", arena_strdup(run->arena, failure->message),
                        index_fault_hint(failure));
    bool is_clean = clean_up(run, connection, &error);
    run->is_lost = pg_connection_is_broken(connection);
    if (run->is_lost && !run->is_cancelled)
        return VERDICT_AGAIN;
    if (!is_clean) {
        if (run->is_creating && !run->is_lost)
            leftover_tell(run, connection, &error, failure);
        return VERDICT_OPEN;
    }
    /* what comes to have the name from now on is not of this attempt */
    if (run->is_creating && !run->is_lost && index_sent_create(&run->change))
        index_sent_take_back(run->manager, &run->change, &(IndexSent){0});
    if (run->is_cancelled)
        return VERDICT_CANCELLED;
    return is_worth_another(failure) ? VERDICT_AGAIN : VERDICT_FAILED;
}

/* The statement said it was done: the index tells whether that is so. */
static Verdict
success_judge(IndexRun *run, PgConnection *connection, Error *error)
{
    IndexFacts facts;
    bool is_found;
    bool is_its;
    if (!facts_now(run, connection, &is_found, &facts, &is_its, error)) {
        run->is_lost = true;
        return VERDICT_AGAIN;
    }
    if (run->is_creating ? is_its && facts.is_valid : !is_found || !is_its)
        return VERDICT_COMPLETED;
    error_set(error, ERROR_CONFLICT,
              "the statement was done, but index %s is not as wanted: someone else "
              "made or changed it at the same time",
              run->index.name);
    return VERDICT_FAILED;
}

/* While the lock was waited for, the name may have come to mean another index. *ret_oid: of the one that
 * goes, which is to be what it was if it was asked for before; 0 of what is created. */
static bool
is_still_to_drop(const IndexRun *run, PgConnection *connection, uint32_t *ret_oid, Error *error)
{
    IndexFacts facts;
    bool is_found;
    bool is_its;
    uint32_t before = *ret_oid;
    *ret_oid = 0;
    if (run->is_creating)
        return true;
    if (!facts_now(run, connection, &is_found, &facts, &is_its, error))
        return false;
    if (is_found && is_its && facts.is_valid != run->must_finish && (before == 0 || before == facts.oid)) {
        *ret_oid = facts.oid;
        return true;
    }
    return error_set(
        error, ERROR_CONFLICT,
        "index %s was dropped, renamed or changed by someone else while its table's lock was waited for",
        run->index.name);
}

/* All that comes before the statement; the record of it last, but for one more look, since that takes a
 * while. */
static bool
statement_prepare(IndexRun *run, PgConnection *connection, Error *error)
{
    uint32_t oid = 0;
    const IndexSent before = run->change.sent;
    if (!index_table_lock_try(run->manager, connection, run->index.schema, run->index.table, error) ||
        !is_still_to_drop(run, connection, &oid, error) ||
        !index_sent_record(run->manager, connection, &run->change, run->is_creating ? "create" : "drop", oid,
                           error))
        return false;
    if (is_still_to_drop(run, connection, &oid, error))
        return true;
    index_sent_take_back(run->manager, &run->change, &before);
    return false;
}

static Verdict
statement_run(IndexRun *run, PgConnection *connection, Error *error)
{
    IndexWatched watched = {.change_id = run->change.id,
                            .target_id = run->change.target_id,
                            .database = run->change.database_name};
    bool is_unwanted = false;
    if (!attempt_write(run, connection, &is_unwanted, error))
        return VERDICT_OPEN;
    watched.backend_pid = run->change.backend_pid;
    run->change.attempts++;
    if (is_unwanted || is_stopping(run->manager)) {
        error_set(error, ERROR_CANCELLED, "cancelled before it began");
        if (!run->must_finish)
            not_begun_write(run);
        return run->must_finish ? VERDICT_OPEN : VERDICT_CANCELLED;
    }
    IndexWatch *watch = index_watch_begin(run->manager, &watched);
    PgQuery query = {.text = run->statement, .deadline = DEADLINE_NEVER};
    bool done = statement_prepare(run, connection, error) && pg_query(connection, &query, NULL, error);
    bool has_cancelled = index_watch_end(watch);
    return done ? success_judge(run, connection, error)
                : failure_judge(run, connection, has_cancelled, error);
}

/* The index is there, and as good as it was for every query: what a mark wants for is a remark. */
static void
marks_set(IndexRun *run, PgConnection *connection)
{
    Error first = {0};
    bool is_limited = pg_execute(connection, "SET lock_timeout = " CLEAN_LOCK_TIMEOUT, &first);
    for (size_t i = 0; is_limited && i < run->marks.count; i++) {
        Error error = {0};
        if (!pg_execute(connection, run->marks.items[i], &error) && first.code == ERROR_NONE)
            first = error;
    }
    if (first.code != ERROR_NONE)
        remark_add(run, arena_printf(run->arena, "the index is there, without all of what was said of it: %s",
                                     first.message));
}

static Verdict
attempt(IndexRun *run, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    const IndexChange *change = &run->change;
    error_clear(error);
    if (!index_session_change(run->manager, run->arena, change->target_id, change->database_name, change->id,
                              &connection, error)) {
        /* before anything was sent there is nothing that could be left */
        run->is_lost = change->attempts > 0;
        return run->is_lost || run->is_left ? VERDICT_AGAIN : VERDICT_FAILED;
    }
    run->is_lost = false;
    Verdict verdict = look_before(run, connection, error);
    if (verdict == VERDICT_RUN_IT)
        verdict = statement_run(run, connection, error);
    if (verdict == VERDICT_COMPLETED && run->marks.count > 0)
        marks_set(run, connection);
    return verdict;
}

static Verdict
attempts(IndexRun *run, Error *error)
{
    int64_t most = settings_get_int(run->manager->settings, SETTING_INDEX_LOCK_ATTEMPTS);
    int64_t pause_ms = PAUSE_MS_FIRST;
    for (int64_t number = 1;; number++) {
        Verdict verdict = attempt(run, error);
        if (verdict != VERDICT_AGAIN)
            return verdict;
        if (number >= most)
            return run->is_lost || run->is_left || run->must_finish ? VERDICT_OPEN : VERDICT_FAILED;
        if (!pause_for(run, pause_ms) && !run->is_lost) {
            error_set(error, ERROR_CANCELLED, "cancelled between two attempts");
            return run->must_finish ? VERDICT_OPEN : VERDICT_CANCELLED;
        }
        if (is_stopping(run->manager))
            return VERDICT_OPEN;
        pause_ms = pause_ms * 2 < PAUSE_MS_MOST ? pause_ms * 2 : PAUSE_MS_MOST;
    }
}

static bool
step_begin(IndexRun *run, size_t step, Error *error)
{
    run->is_modifying = strcmp(run->change.action, "modify") == 0;
    run->is_creating = step == 0 && strcmp(run->change.action, "drop") != 0;
    run->must_finish = false;
    run->successor = run->index;
    const char *definition =
        index_first_statement(run->arena, run->is_creating ? run->change.sql : run->change.undo_sql);
    if (!sql_index_statement_parse(run->arena, definition, &(SqlIndexNames){0}, &run->index, error))
        return error_prefix(error, "index change %" PRId64 " of the store cannot be read", run->change.id);
    run->statement = run->is_creating ? run->index.text
                                      : index_drop_statement(run->arena, run->index.schema, run->index.name);
    run->marks = (TextList){0};
    if (run->is_creating)
        run->marks = index_marks_of(run->arena, run->change.sql, run->index.schema, run->index.name);
    return true;
}

/* Of a change that was left behind, the reason is what was noted then, if anything was. */
static const char *
failure_words(const IndexRun *run, const Error *failure)
{
    if (run->is_left && failure->code == ERROR_CANCELLED && run->change.error_message != NULL)
        return run->change.error_message;
    return failure->message[0] == '\0' ? "another index has the name" : failure->message;
}

/* Why the change stays open, for whoever settles it; only for people, so that it may fail. */
static void
note_write(const IndexRun *run, const char *message)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    if (run->is_left && run->change.error_message != NULL) {
        if (run->manager->is_known != NULL)
            *run->manager->is_known = true;
        return;
    }
    if (!store_session_take(run->manager->store, 0, &session, &error) ||
        !index_change_note(session.connection, run->change.id, message, &error))
        log_write(LOG_LEVEL_DEBUG, "%s", error.message);
}

/* Creates, drops, or both. A change that ends between them says what is there: its undo still undoes it. */
static Verdict
steps_run(IndexRun *run, Error *failure)
{
    if (!step_begin(run, 0, failure))
        return VERDICT_FAILED;
    Verdict verdict = attempts(run, failure);
    if (verdict != VERDICT_COMPLETED || !run->is_modifying)
        return verdict;
    const char *name = run->index.name;
    verdict = step_begin(run, 1, failure) ? attempts(run, failure) : VERDICT_FAILED;
    if (verdict == VERDICT_FAILED || verdict == VERDICT_CANCELLED) {
        if (failure->message[0] == '\0')
            error_set(failure, ERROR_CONFLICT, "another index has its name");
        (void)!error_prefix(failure, "index %s is there, and %s was not dropped", name, run->index.name);
    }
    return verdict;
}

static bool
run_locked(IndexRun *run, int64_t change_id, Error *error)
{
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(run->manager->store, 0, &session, error) ||
            !index_change_get(session.connection, run->arena, change_id, &run->change, error))
            return false;
    }
    if (run->change.success >= 0)
        return true; /* someone was quicker */
    Error failure = {0};
    switch (steps_run(run, &failure)) {
        case VERDICT_COMPLETED: return end_write(run, "completed", run->remark, error);
        case VERDICT_CANCELLED: stop_write(run); return end_write(run, "cancelled", failure.message, error);
        case VERDICT_FAILED:
            /* asked once more: one may wait for hours for what the server goes on with */
            return end_write(run, run->is_left && is_cancel_asked(run) ? "cancelled" : "failed",
                             failure_words(run, &failure), error);
        case VERDICT_AGAIN:
        case VERDICT_RUN_IT:
        case VERDICT_OPEN: break;
    }
    note_write(run, failure.message);
    *error = failure;
    if (error->hint[0] == '\0')
        (void)error_set_hint(error, "the service, or the next \"fettle index\", cleans up and ends it");
    return error_prefix(error, "index change %" PRId64 " stays open", change_id);
}

static bool
run(const IndexManager *manager, int64_t change_id, bool is_left, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index change", RUN_ARENA_BYTES);
    FETTLE_CLEANUP(index_locks_free_at) IndexLocks *own = NULL;
    if (manager->locks == NULL)
        own = index_locks_new(manager->store);
    IndexLocks *locks = own != NULL ? own : manager->locks;
    if (!index_locks_take(locks, change_id, error))
        return false;
    IndexRun run = {.manager = manager, .arena = arena, .is_left = is_left};
    bool good = run_locked(&run, change_id, error);
    index_locks_give(locks, change_id);
    return good;
}

bool
index_run(const IndexManager *manager, int64_t change_id, Error *error)
{
    return run(manager, change_id, false, error);
}

bool
index_settle(const IndexManager *manager, int64_t change_id, Error *error)
{
    return run(manager, change_id, true, error);
}
