// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_plan.h"

#include "base/map.h"
#include "workload/anomaly.h"

#include <string.h>

#define SCRATCH_BYTES ((size_t)256 * 1024 * 1024)
#define OPEN_INCIDENTS_MOST 100
#define TABLES_TOLD_MOST ((size_t)5)

typedef struct Scans {
    Map *seen;
    Arena *arena;
    TextList tables; /* scanned sequentially, each once */
} Scans;

static void
scan_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    Scans *scans = context;
    if (node->relation == NULL || node->node_type == NULL || strcmp(node->node_type, "Seq Scan") != 0 ||
        map_get(scans->seen, node->relation) != NULL)
        return;
    map_put(scans->seen, node->relation, scans);
    vector_push(scans->arena, &scans->tables, node->relation);
}

static Scans
tables_scanned(Arena *arena, const PgPlan *plan)
{
    Scans scans = {.arena = arena, .seen = map_new(arena)};
    pg_plan_walk(plan, scan_visit, &scans);
    return scans;
}

const char *
anomaly_plan_text(Arena *arena, const char *change_cause, const PgPlan *before, const PgPlan *now)
{
    Text text = text_new(arena);
    text_append(&text, change_cause == NULL ? "it has another plan" : change_cause);
    if (before == NULL || now == NULL)
        return text.data;
    Scans were = tables_scanned(arena, before);
    Scans are = tables_scanned(arena, now);
    size_t new_count = 0;
    for (size_t i = 0; i < are.tables.count; i++)
        if (map_get(were.seen, are.tables.items[i]) == NULL && new_count++ < TABLES_TOLD_MOST)
            text_append_format(&text, ", %s is now scanned sequentially", are.tables.items[i]);
    if (new_count > TABLES_TOLD_MOST)
        text_append_format(&text, ", and so are %zu more tables", new_count - TABLES_TOLD_MOST);
    return text.data;
}

bool
anomaly_plan_may_explain(const Incident *incident)
{
    AnomalyType type;
    if (incident->resolved || incident->query_hash_count == 0 ||
        !anomaly_type_find(incident->incident_type, &type))
        return false;
    return type == ANOMALY_PLAN_CHANGE || type == ANOMALY_BLOAT || type == ANOMALY_CACHE ||
           type == ANOMALY_IO || type == ANOMALY_TIME;
}

static bool
plan_parse(Arena *arena, const char *text, PgPlan **ret_plan)
{
    Error unreadable = {0}; /* what another version stored explains nothing */
    return text == NULL || pg_plan_parse(arena, text, strlen(text), ret_plan, &unreadable);
}

/* What the change is told as, in the arena; NULL: its plans do not parse. Of plans that are too long to be
 * read, only that one replaced the other, and why. */
static bool
change_tell(PgConnection *session, Arena *arena, int64_t target_id, const PlanChange *change,
            const char **ret_text, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("plans of a change", SCRATCH_BYTES);
    const char *plans[2];
    PgPlan *before = NULL;
    PgPlan *now = NULL;
    *ret_text = NULL;
    if (!plan_pair_read(session, scratch, target_id, change, plans, error))
        return false;
    if (plan_parse(scratch, plans[0], &before) && plan_parse(scratch, plans[1], &now))
        *ret_text = arena_strdup(arena, anomaly_plan_text(scratch, change->change_cause, before, now));
    return true;
}

static void
incident_explain(Arena *arena, Incident *incident, const char *change)
{
    incident->incident_type = anomaly_type_word(ANOMALY_PLAN_CHANGE);
    incident->probable_cause =
        arena_printf(arena, "another plan: %s (%s is %.4g, usually %.4g)", change, incident->peak_metric,
                     incident->peak_value, incident->peak_baseline);
}

static bool
incident_consult(PgConnection *session, Arena *arena, Incident *incident, bool *ret_is_explained,
                 Error *error)
{
    PlanChangeRange range = {.target_id = incident->target_id,
                             .query_hashes = incident->query_hashes,
                             .query_hash_count = incident->query_hash_count < ANOMALY_PLAN_STATEMENTS_MOST
                                                     ? incident->query_hash_count
                                                     : ANOMALY_PLAN_STATEMENTS_MOST,
                             .at_us = incident->first_at_us,
                             .near_us = ANOMALY_PLAN_NEAR_US};
    PlanChange *changes;
    size_t count;
    const char *text = NULL;
    if (!plan_changes_read(session, arena, &range, &changes, &count, error))
        return false;
    for (size_t i = 0; i < count && text == NULL; i++)
        if (!change_tell(session, arena, incident->target_id, &changes[i], &text, error))
            return false;
    *ret_is_explained = text != NULL;
    if (text != NULL)
        incident_explain(arena, incident, text);
    return true;
}

bool
anomaly_plan_consult(PgConnection *session, Arena *arena, Incident *incident, Error *error)
{
    bool is_explained;
    return !anomaly_plan_may_explain(incident) ||
           incident_consult(session, arena, incident, &is_explained, error);
}

bool
anomaly_plan_is_near(const Incident *incident, int64_t at_us)
{
    return at_us - incident->first_at_us <= ANOMALY_PLAN_NEAR_US;
}

bool
anomaly_plans_explain(PgConnection *session, int64_t target_id, int64_t taken_at_us, int64_t *ret_explained,
                      Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("incidents explained", SCRATCH_BYTES);
    AnomalyFilter filter = {.target_id = target_id, .most = OPEN_INCIDENTS_MOST};
    Incidents incidents;
    int64_t explained = 0;
    if (!incidents_read(session, arena, &filter, &incidents, error))
        return false;
    for (size_t i = 0; i < incidents.count; i++) {
        Incident *incident = &incidents.items[i];
        bool is_explained = false;
        if (!anomaly_plan_may_explain(incident) || !anomaly_plan_is_near(incident, taken_at_us))
            continue;
        if (!incident_consult(session, arena, incident, &is_explained, error) ||
            (is_explained && !incident_explain_write(session, incident, error)))
            return false;
        explained += is_explained;
    }
    *ret_explained = explained;
    return true;
}
