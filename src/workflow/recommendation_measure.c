// SPDX-License-Identifier: PostgreSQL
#include "workflow/recommendation_measure.h"

#include "base/json_writer.h"
#include "store/query_place.h"
#include "workflow/effect_read.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define OTHERS_KEPT ((size_t)50) /* named in the result */
#define MS_PER_SECOND 1000.0

/* What is to be measured: false where it is about no query and no table. */
static bool
request_make(PgConnection *session, Arena *arena, const Implementation *found, EffectRequest *request,
             bool *ret_is_made, Error *error)
{
    IndexChange change = {0};
    QueryPlaces places = {0};
    *request = (EffectRequest){.target_id = found->target_id,
                               .query_hash = found->query_hash,
                               .change_began_us = found->implemented_at_us,
                               .change_ended_us = found->implemented_at_us,
                               .now_us = clock_wall_us()};
    if (found->index_change_id != 0) {
        if (!index_change_get(session, arena, found->index_change_id, &change, error))
            return false;
        request->database_name = change.database_name;
        request->schema_name = change.schema_name;
        request->table_name = change.table_name;
        if (change.started_at_us > 0 && change.started_at_us < request->change_began_us)
            request->change_began_us = change.started_at_us;
    } else if (found->query_hash != 0) {
        if (!query_places_read(session, arena, found->target_id, found->query_hash, false, &places, error))
            return false;
        request->database_name = places.count == 0 ? NULL : places.items[0].database_name;
    }
    *ret_is_made = request->database_name != NULL && request->change_ended_us <= request->now_us;
    return true;
}

static void
effect_write(JsonWriter *json, const Effect *effect)
{
    json_object_begin(json);
    json_key_string(json, "verdict", effect_verdict_word(effect->verdict));
    json_key_double(json, "improvement_percent", effect->improvement_percent);
    json_key_double(json, "low_percent", effect->low_percent);
    json_key_double(json, "high_percent", effect->high_percent);
    json_key_double(json, "always_low_percent", effect->always_low_percent);
    json_key_double(json, "always_high_percent", effect->always_high_percent);
    if (effect->query_hash != 0)
        json_key_int(json, "query_hash", effect->query_hash);
    json_object_end(json);
}

static const char *
post_stats(Arena *arena, const Effect *effect, const EffectReport *report)
{
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_double(&json, "mean_exec_time_ms", effect->mean_after_ms);
    json_key_double(&json, "mean_before_ms", effect->mean_before_ms);
    json_key_double(&json, "calls", effect->calls_after);
    json_key_double(&json, "calls_before", effect->calls_before);
    json_key_string(&json, "compared_with", effect_match_text(effect->match));
    json_key_int(&json, "control_count", (int64_t)effect->control_count);
    json_key_int(&json, "touched_count", (int64_t)report->touched_count);
    json_key_bool(&json, "lacks_controls", effect->lacks_controls);
    json_key_double(&json, "drift_percent", effect->has_drift ? effect->drift_percent : NAN);
    json_key_bool(&json, "has_levels", effect->has_levels);
    if (effect->has_levels)
        json_key_double(&json, "without_levels_percent", effect->plain_percent);
    json_key_bool(&json, "work_changed", effect->work_changed);
    json_key_double(&json, "blocks_percent", effect->blocks_percent);
    json_key_string(&json, "collected_at", clock_format_utc(arena, clock_wall_us()));
    json_key(&json, "total");
    effect_write(&json, &report->total);
    json_key(&json, "others");
    json_array_begin(&json);
    for (size_t i = 0; i < report->other_count && i < OTHERS_KEPT; i++)
        effect_write(&json, &report->others[i]);
    json_array_end(&json);
    json_object_end(&json);
    return text.data;
}

/* The query's effect, or that of all on the table when it is about no query alone. */
static const Effect *
effect_of(const Implementation *found, const EffectReport *report)
{
    return found->query_hash != 0 ? &report->query : &report->total;
}

static bool
effect_keep(PgConnection *session, Arena *arena, const Implementation *found, const EffectReport *report,
            Error *error)
{
    const Effect *effect = effect_of(found, report);
    ImplementationResult result = {.post_stats = post_stats(arena, effect, report),
                                   .actual_percent = effect->improvement_percent,
                                   .low = effect->low_percent,
                                   .high = effect->high_percent,
                                   .seconds =
                                       (effect->mean_before_ms - effect->mean_after_ms) / MS_PER_SECOND,
                                   .verdict = effect_verdict_word(effect->verdict),
                                   .harm = report->undo_reason};
    /* what harms all on the table is a regression, whatever it does for the query that it was made for */
    if (report->should_undo || effect->verdict == EFFECT_NOT_ENOUGH_DATA)
        result.verdict = effect_verdict_word(EFFECT_REGRESSED);
    return implementation_measured(session, arena, found->id, &result, error);
}

/* *ret_report is only filled where *ret_is_known. When there is enough data is noted at every look, also
 * where it is too early for anything else. */
static bool
effect_take(PgConnection *session, Arena *arena, const Implementation *found, EffectReport *ret_report,
            bool *ret_is_known, Error *error)
{
    EffectRequest request;
    *ret_is_known = false;
    if (!request_make(session, arena, found, &request, ret_is_known, error))
        return false;
    if (!*ret_is_known)
        return true;
    if (!effect_read(session, arena, &request, ret_report, error))
        return false;
    const Effect *effect = effect_of(found, ret_report);
    ImplementationEnough enough = {.at_us = effect->enough_us,
                                   .detectable_percent = effect->detectable_percent};
    return implementation_enough(session, arena, found->id, &enough, error);
}

/* The store refuses the same when it writes (implementation_measure_check); here it is before the samples are
 * read. */
static bool
measure_check(PgConnection *session, Arena *arena, const Implementation *found, Error *error)
{
    IndexChange change;
    if (strcmp(found->status, "reverted") == 0 || strcmp(found->status, "failed") == 0)
        return error_set(error, ERROR_CONFLICT, "the implementation is %s: there is nothing to measure",
                         found->status);
    if (found->undo_change_id != 0)
        return error_set(error, ERROR_CONFLICT,
                         "the implementation is being undone: there is nothing to measure");
    if (found->index_change_id == 0)
        return true;
    if (!index_change_get(session, arena, found->index_change_id, &change, error))
        return false;
    return change.success >= 0 ||
           error_set(error, ERROR_CONFLICT,
                     "the implementation is not carried out yet: index change %" PRId64 " is %s", change.id,
                     change.state);
}

static bool
measure(PgConnection *session, Arena *arena, int64_t implementation_id, Error *error)
{
    Implementation found;
    EffectReport report;
    bool is_known;
    if (!implementation_get(session, arena, implementation_id, &found, error) ||
        !measure_check(session, arena, &found, error) ||
        !effect_take(session, arena, &found, &report, &is_known, error))
        return false;
    is_known =
        is_known && (report.should_undo || effect_of(&found, &report)->verdict != EFFECT_NOT_ENOUGH_DATA);
    return is_known ? effect_keep(session, arena, &found, &report, error)
                    : implementation_measure_simply(session, implementation_id, error);
}

bool
recommendation_measure(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                       Deadline deadline, Implementation *ret_implementation, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    if (!store_session_take(manager->store, deadline, &session, error))
        return false;
    pg_connection_set_deadline(session.connection, deadline);
    bool good = measure(session.connection, arena, implementation_id, error) &&
                implementation_get(session.connection, arena, implementation_id, ret_implementation, error);
    pg_connection_set_deadline(session.connection, 0);
    return good;
}

bool
recommendation_watch(const IndexManager *manager, Arena *arena, int64_t implementation_id,
                     bool *ret_is_harmful, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Implementation found;
    EffectReport report;
    bool is_known;
    *ret_is_harmful = false;
    if (!store_session_take(manager->store, 0, &session, error) ||
        !implementation_get(session.connection, arena, implementation_id, &found, error) ||
        !effect_take(session.connection, arena, &found, &report, &is_known, error))
        return false;
    *ret_is_harmful = is_known && report.should_undo;
    return !*ret_is_harmful || effect_keep(session.connection, arena, &found, &report, error);
}

const char *
recommendation_undo_reason(Arena *arena, const Implementation *implementation)
{
    return implementation->harm != NULL
               ? implementation->harm
               : arena_printf(arena, "measured %.1f %% slower", -implementation->actual_percent);
}
