// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_auto.h"

#include "base/json_writer.h"
#include "base/log.h"
#include "store/audit.h"
#include "store/job.h"
#include "workflow/index_analysis.h"
#include "workflow/index_plan.h"
#include "workflow/index_run.h"

#include <inttypes.h>
#include <string.h>

#define ROUND_ARENA_BYTES ((size_t)4 << 30)
#define MINUTE_US (INT64_C(60) * 1000000)
#define DAY_MINUTES (24 * 60)
/* An index must gain so many times what it costs in writes. */
#define COST_TIMES 2

IndexAutoRules
index_auto_rules(const Settings *settings, const Approval *approval)
{
    return (IndexAutoRules){.may_create = approval->classes[CHANGE_CREATE_INDEX] == APPROVAL_AUTO,
                            .may_drop = approval->classes[CHANGE_DROP_INDEX] == APPROVAL_AUTO,
                            .may_replace = approval->classes[CHANGE_REPLACE_INDEX] == APPROVAL_AUTO,
                            .benefit_least = settings_get_double(settings, SETTING_INDEX_AUTO_BENEFIT),
                            .confidence_least = settings_get_double(settings, SETTING_INDEX_AUTO_CONFIDENCE)};
}

/* "HH:MM" at the beginning of a text; negative: it is none. */
static int64_t
minutes_of(const char *text)
{
    static const char most[] = "29:59";
    for (size_t i = 0; i < strlen(most); i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > most[i])
            return -1;
    int64_t minutes = ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
    return minutes < DAY_MINUTES ? minutes : -1;
}

/* The hours' begin and end, in minutes. */
static bool
hours_parse(const char *hours, int64_t *ret_from, int64_t *ret_to, Error *error)
{
    static const char form[] = "22:00-05:30";
    bool has_form = strlen(hours) == strlen(form) && hours[5] == '-';
    *ret_from = has_form ? minutes_of(hours) : -1;
    *ret_to = has_form ? minutes_of(hours + 6) : -1;
    if (*ret_from >= 0 && *ret_to >= 0)
        return true;
    error_set(error, ERROR_INPUT, "index.quiet_hours: \"%.40s\" are no hours", hours);
    return error_set_hint(error, "write them as 22:00-05:30, in UTC, or leave it empty");
}

bool
index_auto_is_quiet(const char *hours, int64_t now_us, bool *ret_is_quiet, Error *error)
{
    int64_t from;
    int64_t to;
    *ret_is_quiet = hours[0] == '\0';
    if (*ret_is_quiet)
        return true;
    if (!hours_parse(hours, &from, &to, error))
        return false;
    int64_t now = now_us / MINUTE_US % DAY_MINUTES;
    *ret_is_quiet = from <= to ? now >= from && now < to : now >= from || now < to;
    return true;
}

bool
index_auto_quiet_wait(const char *hours, int64_t now_us, int64_t *ret_wait_ms, Error *error)
{
    int64_t from;
    int64_t to;
    *ret_wait_ms = INT64_MAX;
    if (hours[0] == '\0')
        return true;
    if (!hours_parse(hours, &from, &to, error))
        return false;
    int64_t day_us = DAY_MINUTES * MINUTE_US;
    int64_t wait_us = (from * MINUTE_US - now_us % day_us + day_us) % day_us;
    *ret_wait_ms = (wait_us == 0 ? day_us : wait_us) / 1000 + 1;
    return true;
}

static bool
is_allowed(const IndexRecommendation *found, const IndexAutoRules *rules)
{
    if (!(found->confidence_score >= rules->confidence_least))
        return false;
    if (strcmp(found->type, "drop") == 0)
        return rules->may_drop;
    bool is_modify = strcmp(found->type, "modify") == 0;
    if (is_modify ? !rules->may_replace || !index_recommendation_is_successor(found) : !rules->may_create)
        return false;
    return found->estimated_benefit >= rules->benefit_least &&
           found->estimated_benefit >= COST_TIMES * found->estimated_cost;
}

const IndexRecommendation *
index_auto_choose(const IndexRecommendations *list, const IndexAutoRules *rules)
{
    for (size_t i = 0; i < list->count; i++)
        if (is_allowed(&list->items[i], rules))
            return &list->items[i];
    return NULL;
}

bool
index_auto_due(const IndexManager *manager, Arena *arena, size_t most, int64_t **ret_target_ids,
               size_t *ret_count, Error *error)
{
    const Settings *settings = manager->settings;
    Approval approval;
    bool is_quiet;
    *ret_count = 0;
    if (!approval_standard(settings, &approval, error) ||
        !index_auto_is_quiet(settings_get_text(settings, SETTING_INDEX_QUIET_HOURS), clock_wall_us(),
                             &is_quiet, error))
        return false;
    if (!is_quiet || !settings_get_bool(settings, SETTING_INDEX_ANALYSIS_ENABLED))
        return true;
    IndexAutoOrder order = {.interval_ms = settings_get_int(settings, SETTING_INDEX_AUTO_INTERVAL),
                            .most = most};
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        order.classes[action] = approval_class_word(approval.classes[action]);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(manager->store, 0, &session, error) &&
           index_auto_targets(session.connection, arena, &order, ret_target_ids, ret_count, error);
}

bool
index_auto_wait(const IndexManager *manager, int64_t *ret_wait_ms, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Approval approval;
    IndexAutoOrder order = {0};
    int64_t quiet_ms;
    int64_t opens_ms;
    if (!approval_standard(manager->settings, &approval, error) ||
        !index_auto_quiet_wait(settings_get_text(manager->settings, SETTING_INDEX_QUIET_HOURS),
                               clock_wall_us(), &quiet_ms, error))
        return false;
    for (int action = 0; action < CHANGE_ACTIONS; action++)
        order.classes[action] = approval_class_word(approval.classes[action]);
    if (!store_session_take(manager->store, 0, &session, error) ||
        !index_auto_opens(session.connection, &order, &opens_ms, error))
        return false;
    *ret_wait_ms = quiet_ms < opens_ms ? quiet_ms : opens_ms;
    return true;
}

typedef struct AutoRound {
    const IndexManager *manager;
    Arena *arena;
    int64_t target_id;
    int64_t job_id;
    int64_t change_id; /* 0: nothing was to be done */
    const char *outcome;
} AutoRound;

static bool
candidates_read(const AutoRound *round, const char *database, IndexRecommendations *ret_list, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(round->manager->store, 0, &session, error) &&
           index_auto_candidates(session.connection, round->arena, round->target_id, database, ret_list,
                                 error);
}

static bool
audit_line_write(const AutoRound *round, const IndexPlan *plan, bool done, const Error *failure, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Text details = text_new(round->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_int(&json, "change_id", round->change_id);
    json_key_string(&json, "sql", plan->change.sql);
    json_key_string(&json, "undo_sql", plan->change.undo_sql);
    json_object_end(&json);
    AuditLine line = {.actor = plan->change.performed_by,
                      .action = arena_printf(round->arena, "index.%s", plan->change.action),
                      .object = arena_printf(round->arena, "index:%s.%s", plan->change.schema_name,
                                             plan->change.index_name),
                      .target_id = round->target_id,
                      .outcome = done ? "ok" : error_code_word(failure->code),
                      .details = details.data};
    return store_session_take(round->manager->store, 0, &session, error) &&
           audit_write(session.connection, &line, error);
}

static bool
plan_make(const AutoRound *round, const IndexRecommendation *chosen, IndexPlan *ret_plan, Error *error)
{
    IndexOrder order;
    if (!index_order_of_recommendation(chosen, &order, error))
        return false;
    order.performed_by = "fettle";
    return strcmp(chosen->type, "drop") == 0
               ? index_plan_drop(round->manager, round->arena, &order, ret_plan, error)
               : index_plan_create(round->manager, round->arena, &order, ret_plan, error);
}

/* That this one cannot be carried out, which says nothing of the next one. */
static bool
is_refusal(const Error *error)
{
    switch (error->code) {
        case ERROR_INPUT:
        case ERROR_NOT_FOUND:
        case ERROR_CONFLICT:
        case ERROR_UNSUPPORTED:
        case ERROR_PERMISSION:
        case ERROR_DISK_FULL: return true;
        default: return false;
    }
}

/* The best that the rules allow and the target takes; what is refused, or there already, is passed over. */
static bool
plan_choose(AutoRound *round, const IndexAutoRules *rules, IndexRecommendations list, IndexPlan *ret_plan,
            bool *ret_found, Error *error)
{
    const IndexRecommendation *chosen;
    *ret_found = false;
    round->outcome = "nothing is recommended that the rules allow";
    while ((chosen = index_auto_choose(&list, rules)) != NULL) {
        Error refusal = {0};
        bool is_planned = plan_make(round, chosen, ret_plan, &refusal);
        if (!is_planned && !is_refusal(&refusal)) {
            *error = refusal;
            return false;
        }
        round->outcome = is_planned ? ret_plan->message : arena_strdup(round->arena, refusal.message);
        *ret_found = is_planned && !ret_plan->is_done;
        if (*ret_found)
            return true;
        size_t passed = (size_t)(chosen - list.items) + 1;
        list.items += passed;
        list.count -= passed;
    }
    return true;
}

/* As a person's approval does it: record, run. */
static bool
carry_out(AutoRound *round, const IndexPlan *plan, Error *error)
{
    if (!index_plan_record(round->manager, round->arena, plan, &round->change_id, error))
        return false;
    Error failure = {0};
    bool done = index_run(round->manager, round->change_id, &failure);
    if (!audit_line_write(round, plan, done, &failure, error))
        return false;
    if (!done)
        *error = failure;
    return done;
}

/* What the target's classes allow, and whether its window is open still: an analysis may take long. */
static bool
rules_read(const AutoRound *round, IndexAutoRules *ret_rules, bool *ret_is_open, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    const Settings *settings = round->manager->settings;
    Approval approval;
    ChangePolicy policy;
    int64_t now_us = clock_wall_us();
    if (!approval_standard(settings, &approval, error) ||
        !store_session_take(round->manager->store, 0, &session, error) ||
        !change_policy_read(session.connection, round->arena, round->target_id, now_us, &policy, error))
        return false;
    approval = approval_of_policy(&approval, &policy);
    *ret_rules = index_auto_rules(settings, &approval);
    *ret_is_open = change_policy_is_open(&policy, now_us);
    return true;
}

static bool
round_run(AutoRound *round, Error *error)
{
    IndexAnalysis analysis;
    IndexAutoRules rules;
    bool is_open = false;
    IndexRecommendations list;
    IndexPlan plan;
    bool is_free = false;
    bool is_found = false;
    {
        FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
        if (!store_session_take(round->manager->store, 0, &session, error) ||
            !index_auto_is_free(session.connection, round->target_id, &is_free, error))
            return false;
    }
    round->outcome = "a change of the target is open, or not measured yet";
    if (!is_free)
        return true;
    if (!index_analyze(round->manager, round->arena, round->target_id, NULL, INDEX_ANALYSIS_FULL, 0,
                       &analysis, error) ||
        !rules_read(round, &rules, &is_open, error) ||
        !candidates_read(round, analysis.review.database, &list, error))
        return false;
    round->outcome = "the target's window for maintenance has closed";
    if (!is_open)
        return true;
    /* what an earlier advice would create, also in another's place, may have lost its reason since */
    rules.may_create = rules.may_create && analysis.advice != NULL;
    rules.may_replace = rules.may_replace && analysis.advice != NULL;
    if (!plan_choose(round, &rules, list, &plan, &is_found, error))
        return false;
    if (!is_found && analysis.advice_failure != NULL)
        round->outcome = analysis.advice_failure;
    return !is_found || carry_out(round, &plan, error);
}

static bool
job_close(const AutoRound *round, const char *failure, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Text result = text_new(round->arena);
    JsonWriter json = json_writer_new(&result, false);
    json_object_begin(&json);
    json_key(&json, "change_id");
    if (round->change_id == 0)
        json_write_null(&json);
    else
        json_int(&json, round->change_id);
    json_key_string(&json, "outcome", round->outcome);
    json_object_end(&json);
    return store_session_take(round->manager->store, 0, &session, error) &&
           job_end(session.connection, round->job_id, failure, result.data, error);
}

static bool
job_open(AutoRound *round, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    return store_session_take(round->manager->store, 0, &session, error) &&
           job_begin(session.connection, INDEX_AUTO_JOB, round->target_id, &round->job_id, error);
}

bool
index_auto_round(const IndexManager *manager, int64_t target_id, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index auto round", ROUND_ARENA_BYTES);
    AutoRound round = {.manager = manager, .arena = arena, .target_id = target_id};
    if (!job_open(&round, error))
        return false;
    Error failure = {0};
    bool good = round_run(&round, &failure);
    if (!job_close(&round, good ? NULL : failure.message, error))
        return false;
    if (!good)
        *error = failure;
    return good;
}
