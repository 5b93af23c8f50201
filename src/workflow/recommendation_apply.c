// SPDX-License-Identifier: PostgreSQL
#include "workflow/recommendation_apply.h"

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "pg/result.h"
#include "sql/index_statement.h"
#include "store/audit.h"
#include "store/index_recommendation.h"
#include "store/pause.h"
#include "workflow/approval.h"

#include <inttypes.h>
#include <string.h>

#define SERVICE_ACTOR "fettle"
#define PENDING_US_MOST (INT64_C(30) * 24 * 3600 * 1000000) /* as implementation_open() has it */

bool
recommendation_can_act(const RankedRecommendation *recommendation)
{
    return strcmp(recommendation->source_type, "index") == 0 && recommendation->source_id != 0;
}

/* What the target says against it: it was true when it was advised, and is not any more. */
static bool
refuse_stale(Error *error)
{
    if (error->code == ERROR_INPUT || error->code == ERROR_NOT_FOUND) {
        error->code = ERROR_CONFLICT;
        error->sqlstate[0] = '\0';
    }
    if (error->code == ERROR_CONFLICT && strcmp(error->sqlstate, INDEX_SQLSTATE_BUSY) != 0)
        error_fill_prefix(error, "the recommendation does not apply any more");
    return false;
}

/* Of two that the server wrote. */
static bool
definition_equals(const SqlIndexStatement *one, const SqlIndexStatement *other)
{
    bool equals = strcmp(one->outline, other->outline) == 0 && one->columns.count == other->columns.count &&
                  text_equals(one->predicate == NULL ? "" : one->predicate,
                              other->predicate == NULL ? "" : other->predicate);
    for (size_t i = 0; equals && i < one->columns.count; i++)
        equals = strcmp(one->columns.items[i], other->columns.items[i]) == 0;
    return equals;
}

/* That the index to drop is the one that was advised to go. What an analysis advised is in the server's
 * words, as is what is there now; what Fettle made is in its own, of which the server may have written a
 * condition or an expression otherwise. */
static bool
drop_is_advised_one(Arena *arena, const IndexPlan *plan, const IndexRecommendation *found, Error *error)
{
    SqlIndexStatement advised;
    SqlIndexStatement now;
    Error unreadable = {0};
    if (found->create_statement == NULL ||
        !sql_index_statement_parse(arena, found->create_statement, &(SqlIndexNames){0}, &advised,
                                   &unreadable) ||
        !sql_index_statement_parse(arena, index_first_statement(arena, plan->change.undo_sql),
                                   &(SqlIndexNames){0}, &now, &unreadable) ||
        (found->is_unearned
             ? strcmp(advised.outline, now.outline) == 0 && strcmp(advised.table, now.table) == 0
             : definition_equals(&advised, &now)))
        return true;
    error_set(error, ERROR_CONFLICT, "index %s has another definition now", plan->change.index_name);
    return error_set_hint(error, "it is: %s", plan->change.undo_sql);
}

static bool
plan_done_refuse(const IndexPlan *plan, bool is_drop, Error *error)
{
    error_set(error, ERROR_CONFLICT, "the recommendation does not apply any more: %s", plan->message);
    return error_set_hint(error, "if it was %s by hand, record that to have it measured",
                          is_drop ? "dropped" : "created");
}

/* Of two who approve the same at once, the later one is told of the other, not of what is on the target by
 * now: "if it was created by hand" would be misleading. */
static bool
others_check(PgConnection *session, Arena *arena, int64_t recommendation_id, Error *error)
{
    Implementations open;
    if (!implementation_list(session, arena, recommendation_id, "pending", 1, &open, error))
        return false;
    if (open.count == 0 || clock_wall_us() - open.items[0].implemented_at_us > PENDING_US_MOST)
        return true;
    error_set(error, ERROR_CONFLICT,
              "recommendation %" PRId64 " is being carried out already: implementation %" PRId64
              " is pending",
              recommendation_id, open.items[0].id);
    return error_set_hint(error, "\"fettle results\" shows what becomes of it");
}

static bool
index_plan_of(const IndexManager *manager, Arena *arena, const IndexRecommendation *found,
              const char *performed_by, IndexPlan *ret_plan, Error *error)
{
    IndexOrder order;
    bool is_drop = strcmp(found->type, "drop") == 0;
    if ((is_drop ? found->index_name : found->create_statement) == NULL)
        return error_set(error, ERROR_UNSUPPORTED, "the recommendation does not say which index");
    if (strcmp(found->status, "recommended") != 0)
        return error_set(error, ERROR_CONFLICT, "index recommendation %" PRId64 " is %s", found->id,
                         found->status);
    if (!index_order_of_recommendation(found, &order, error))
        return false;
    order.performed_by = performed_by;
    if (is_drop ? !index_plan_drop(manager, arena, &order, ret_plan, error)
                : !index_plan_create(manager, arena, &order, ret_plan, error))
        return refuse_stale(error);
    if (ret_plan->is_done)
        return plan_done_refuse(ret_plan, is_drop, error);
    return !is_drop || drop_is_advised_one(arena, ret_plan, found, error);
}

bool
recommendation_apply_plan(const IndexManager *manager, Arena *arena, int64_t recommendation_id,
                          bool wants_act, const char *performed_by, RecommendationApply *ret_apply,
                          Error *error)
{
    IndexRecommendation found;
    RecommendationApply apply = {.opening = {.recommendation_id = recommendation_id}};
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(manager->store, 0, &session, error) ||
            !recommendation_get(session.connection, arena, recommendation_id, &apply.recommendation, error))
            return false;
        apply.is_acting = wants_act && recommendation_can_act(&apply.recommendation);
        if (apply.is_acting && !others_check(session.connection, arena, recommendation_id, error))
            return false;
        if (apply.is_acting && !index_recommendation_get(session.connection, arena,
                                                         apply.recommendation.source_id, &found, error)) {
            if (error->code != ERROR_NOT_FOUND)
                return false;
            return error_set(error, ERROR_CONFLICT,
                             "the recommendation does not apply any more: the last analysis did not find it");
        }
    }
    if (apply.is_acting && found.target_id != apply.recommendation.target_id)
        return error_set(error, ERROR_CONFLICT, "index recommendation %" PRId64 " is of another target",
                         found.id);
    if (apply.is_acting && !index_plan_of(manager, arena, &found, performed_by, &apply.plan, error))
        return false;
    *ret_apply = apply;
    return true;
}

static bool
in_flight_check(PgConnection *session, Arena *arena, const IndexChange *change, int64_t recommendation_id,
                Error *error)
{
    int64_t other = 0;
    ImplementationPlace place = {.target_id = change->target_id,
                                 .database = change->database_name,
                                 .schema = change->schema_name,
                                 .table = change->table_name};
    if (!others_check(session, arena, recommendation_id, error) ||
        !implementation_on_table(session, &place, &other, error))
        return false;
    if (other == 0)
        return true;
    error_set(error, ERROR_CONFLICT, "the last change of %s.%s is not measured yet: implementation %" PRId64,
              change->schema_name, change->table_name, other);
    return error_set_hint(error, "two changes of a table at once cannot be told apart; measure it, or wait "
                                 "for its measurement after 24 hours");
}

bool
recommendation_apply_check(const IndexManager *manager, Arena *arena, const RecommendationApply *apply,
                           Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    const IndexChange *change = &apply->plan.change;
    return !apply->is_acting ||
           (store_session_take(manager->store, 0, &session, error) &&
            approval_check(manager->settings, session.connection, arena, change, error) &&
            pause_check(session.connection, change->target_id, false, error));
}

static bool
scheduled_audit(PgConnection *session, Arena *arena, const RecommendationApply *apply, Error *error)
{
    const ScheduledChange *scheduled = apply->scheduled;
    Text details = text_new(arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "scheduled_change_id", scheduled->id);
    json_key_string(&json, "requested_by", scheduled->requested_by);
    json_key_string(&json, "sql", apply->plan.change.sql);
    json_key_string(&json, "undo_sql", apply->plan.change.undo_sql);
    json_key_int(&json, "change_id", apply->plan.change.id);
    json_key_int(&json, "implementation_id", apply->implementation_id);
    json_object_end(&json);
    AuditLine line = {.actor = SERVICE_ACTOR,
                      .action = "recommendation.implement",
                      .object = arena_printf(arena, "recommendation:%" PRId64, apply->recommendation.id),
                      .target_id = scheduled->target_id,
                      .outcome = "ok",
                      .details = details.data};
    return audit_write(session, &line, error);
}

static bool
scheduled_end(PgConnection *session, Arena *arena, const RecommendationApply *apply, Error *error)
{
    int64_t target_id;
    ScheduledEnd end = {.state = "done", .implementation_id = apply->implementation_id};
    return apply->scheduled == NULL ||
           (scheduled_change_end(session, apply->scheduled->id, &end, &target_id, error) &&
            scheduled_audit(session, arena, apply, error));
}

static bool
record(PgConnection *session, Arena *arena, RecommendationApply *apply, Error *error)
{
    IndexChange *change = &apply->plan.change;
    if (!pg_execute(session, "BEGIN", error))
        return false;
    if (apply->is_acting && (!in_flight_check(session, arena, change, apply->recommendation.id, error) ||
                             !index_change_begin(session, arena, change, &change->id, error)))
        return false;
    apply->opening.change_id = apply->is_acting ? change->id : 0;
    return implementation_open(session, &apply->opening, &apply->implementation_id, error) &&
           scheduled_end(session, arena, apply, error) && pg_execute(session, "COMMIT", error);
}

bool
recommendation_apply_record(const IndexManager *manager, Arena *arena, RecommendationApply *apply,
                            Error *error)
{
    /* an open transaction is rolled back with the session */
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(manager->store, 0, &session, error) &&
           (!apply->is_acting ||
            approval_check(manager->settings, session.connection, arena, &apply->plan.change, error)) &&
           record(session.connection, arena, apply, error);
}

static bool
undo_check(const Implementation *implementation, Error *error)
{
    if (strcmp(implementation->status, "reverted") == 0)
        return error_set(error, ERROR_CONFLICT, "implementation %" PRId64 " was undone already",
                         implementation->id);
    if (implementation->undo_change_id != 0)
        return error_set(error, ERROR_CONFLICT, "implementation %" PRId64 " is being undone",
                         implementation->id);
    if (implementation->index_change_id == 0 || implementation->undo_sql == NULL) {
        error_set(error, ERROR_UNSUPPORTED,
                  "nothing to undo: Fettle did not carry out implementation %" PRId64, implementation->id);
        return error_set_hint(error, "undo it by hand where it was done");
    }
    return true;
}

static bool
refuse_failed(const Implementation *implementation, Error *error)
{
    return error_set(error, ERROR_UNSUPPORTED, "nothing to undo: implementation %" PRId64 " failed",
                     implementation->id);
}

static bool
undo_plan_of(const IndexManager *manager, Arena *arena, const IndexChange *made,
             const Implementation *implementation, const char *performed_by, IndexPlan *ret_plan,
             Error *error)
{
    bool has_failed = strcmp(implementation->status, "failed") == 0;
    if (made->success < 0) {
        error_set(error, ERROR_CONFLICT, "index change %" PRId64 " is %s", made->id, made->state);
        return error_set_hint(error, "cancel it, or wait for its end");
    }
    /* what replaces an index may have failed after the new one was there */
    if (has_failed && strcmp(made->action, "modify") != 0)
        return refuse_failed(implementation, error);
    if (!index_plan_undo(manager, arena, made, performed_by, ret_plan, error))
        return false;
    return !has_failed || !ret_plan->is_done || refuse_failed(implementation, error);
}

bool
recommendation_undo_plan(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                         const char *performed_by, RecommendationUndo *ret_undo, Error *error)
{
    IndexChange made;
    RecommendationUndo undo = {0};
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(manager->store, 0, &session, error) ||
            !implementation_get(session.connection, arena, implementation_id, &undo.implementation, error) ||
            !undo_check(&undo.implementation, error) ||
            !index_change_get(session.connection, arena, undo.implementation.index_change_id, &made, error))
            return false;
    }
    if (!undo_plan_of(manager, arena, &made, &undo.implementation, performed_by, &undo.plan, error))
        return false;
    *ret_undo = undo;
    return true;
}

static bool
undo_audit(PgConnection *session, Arena *arena, const RecommendationUndo *undo, const char *reason,
           Error *error)
{
    Text details = text_new(arena);
    JsonWriter json = json_writer_new(&details, false);
    if (undo->unasked_by == NULL)
        return true;
    json_object_begin(&json);
    json_key_string(&json, "reason", reason);
    if (!undo->plan.is_done) {
        json_key_int(&json, "change_id", undo->plan.change.id);
        json_key_string(&json, "sql", undo->plan.change.sql);
        json_key_string(&json, "undo_sql", undo->plan.change.undo_sql);
    }
    json_object_end(&json);
    AuditLine line = {.actor = undo->unasked_by,
                      .action = "result.revert",
                      .object = arena_printf(arena, "implementation:%" PRId64, undo->implementation.id),
                      .target_id = undo->implementation.target_id,
                      .outcome = "ok",
                      .details = details.data};
    return audit_write(session, &line, error);
}

static bool
undo_record(PgConnection *session, Arena *arena, RecommendationUndo *undo, const char *reason, Error *error)
{
    IndexChange *change = &undo->plan.change;
    if (undo->plan.is_done)
        return implementation_reverted(session, undo->implementation.id, reason, undo->plan.message, error);
    return index_change_begin(session, arena, change, &change->id, error) &&
           implementation_undo_begin(session, undo->implementation.id, change->id, reason, error);
}

bool
recommendation_undo_record(const IndexManager *manager, Arena *arena, RecommendationUndo *undo,
                           const char *reason, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(manager->store, 0, &session, error) &&
           pg_execute(session.connection, "BEGIN", error) &&
           undo_record(session.connection, arena, undo, reason, error) &&
           undo_audit(session.connection, arena, undo, reason, error) &&
           pg_execute(session.connection, "COMMIT", error);
}
