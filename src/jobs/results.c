// SPDX-License-Identifier: PostgreSQL
#include "jobs/results.h"

#include "base/log.h"
#include "workflow/recommendation_measure.h"

#include <inttypes.h>

#define ACTOR "fettle"
#define RESULT_ARENA_BYTES ((size_t)256 * 1024 * 1024)

static bool
due_read(const ResultsOptions *options, Arena *arena, ImplementationDue **ret_due, size_t *ret_count,
         Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(options->store, 0, &session, error) &&
           implementations_due(session.connection, arena, ret_due, ret_count, error);
}

static void
measure_one(const IndexManager *manager, const ImplementationDue *due, ResultsReport *report)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("result", RESULT_ARENA_BYTES);
    Implementation measured;
    Error failure = {0};
    bool is_harmful = false;
    bool good = due->is_due ? recommendation_measure(manager, arena, due->id, 0, &measured, &failure)
                            : recommendation_watch(manager, arena, due->id, &is_harmful, &failure);
    if (good) {
        report->measured += due->is_due || is_harmful;
    } else if (failure.code == ERROR_CONFLICT) {
        report->waiting++;
    } else {
        report->failed++;
        log_write(LOG_LEVEL_WARNING, "implementation %" PRId64 ": %s", due->id, failure.message);
    }
}

static bool
measure_due(const ResultsOptions *options, const IndexManager *manager, ResultsReport *report, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("results to measure", RESULT_ARENA_BYTES);
    ImplementationDue *due = NULL;
    size_t count = 0;
    if (!due_read(options, arena, &due, &count, error))
        return false;
    for (size_t i = 0; i < count; i++)
        measure_one(manager, &due[i], report);
    return true;
}

static bool
harmful_get(const ResultsOptions *options, Arena *arena, int64_t id, Implementation *ret_found, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(options->store, 0, &session, error) &&
           implementation_get(session.connection, arena, id, ret_found, error);
}

static bool
undo_one(const ResultsOptions *options, const IndexManager *manager, int64_t id, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("undo", RESULT_ARENA_BYTES);
    Implementation found;
    RecommendationUndo undo;
    if (!harmful_get(options, arena, id, &found, error))
        return false;
    const char *reason = recommendation_undo_reason(arena, &found);
    if (!recommendation_undo_plan(manager, arena, id, ACTOR, &undo, error))
        return false;
    undo.unasked_by = ACTOR;
    if (!recommendation_undo_record(manager, arena, &undo, reason, error))
        return false;
    log_write(LOG_LEVEL_INFO, "implementation %" PRId64 " is undone: %s", id, reason);
    if (undo.plan.is_done)
        log_write(LOG_LEVEL_INFO, "implementation %" PRId64 ": %s", id, undo.plan.message);
    if (!undo.plan.is_done && options->carry_out != NULL)
        (void)options->carry_out(options->context, undo.plan.change.id);
    return true;
}

/* The service tries again later, and people see why it is not undone. */
static void
undo_failed(const ResultsOptions *options, int64_t id, const Error *failure)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    log_write(LOG_LEVEL_WARNING, "implementation %" PRId64 " could not be undone: %s", id, failure->message);
    if (!store_session_take(options->store, 0, &session, &error) ||
        !implementation_undo_failed(session.connection, id, failure->message, &error))
        log_write(LOG_LEVEL_WARNING, "implementation %" PRId64 ": %s", id, error.message);
}

static bool
harmful_read(const ResultsOptions *options, Arena *arena, int64_t **ret_ids, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(options->store, 0, &session, error) &&
           implementations_harmful(session.connection, arena, ret_ids, ret_count, error);
}

static bool
undo_harmful(const ResultsOptions *options, const IndexManager *manager, ResultsReport *report, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("results to undo", RESULT_ARENA_BYTES);
    int64_t *ids = NULL;
    size_t count = 0;
    if (!harmful_read(options, arena, &ids, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        Error failure = {0};
        if (undo_one(options, manager, ids[i], &failure)) {
            report->undone++;
            continue;
        }
        report->failed++;
        undo_failed(options, ids[i], &failure);
    }
    return true;
}

bool
results_measure(const ResultsOptions *options, ResultsReport *ret_report, Error *error)
{
    IndexManager manager = {.store = options->store, .settings = options->settings};
    *ret_report = (ResultsReport){0};
    return measure_due(options, &manager, ret_report, error) &&
           (!settings_get_bool(options->settings, SETTING_AUTO_REVERT) ||
            undo_harmful(options, &manager, ret_report, error));
}
