// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_plan.h"

#include "workload/anomaly.h"

#include <string.h>

#define SCRATCH_BYTES ((size_t)256 * 1024 * 1024)
#define OPEN_INCIDENTS_MOST 100
#define PLANS_OF_STATEMENT 10 /* the newest; older ones are not near what is open */

typedef struct Scans {
    Arena *arena;
    TextList tables; /* scanned sequentially, each once */
} Scans;

static bool
has_table(const TextList *tables, const char *name)
{
    for (size_t i = 0; i < tables->count; i++)
        if (strcmp(tables->items[i], name) == 0)
            return true;
    return false;
}

static void
scan_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    Scans *scans = context;
    if (node->relation != NULL && node->node_type != NULL && strcmp(node->node_type, "Seq Scan") == 0 &&
        !has_table(&scans->tables, node->relation))
        vector_push(scans->arena, &scans->tables, node->relation);
}

static TextList
tables_scanned(Arena *arena, const PgPlan *plan)
{
    Scans scans = {.arena = arena};
    pg_plan_walk(plan, scan_visit, &scans);
    return scans.tables;
}

const char *
anomaly_plan_text(Arena *arena, const char *change_cause, const PgPlan *before, const PgPlan *now)
{
    TextList were = tables_scanned(arena, before);
    TextList are = tables_scanned(arena, now);
    Text text = text_new(arena);
    text_append(&text, change_cause == NULL ? "it has another plan" : change_cause);
    for (size_t i = 0; i < are.count; i++)
        if (!has_table(&were, are.items[i]))
            text_append_format(&text, ", %s is now scanned sequentially", are.items[i]);
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

static int64_t
distance_us(const Incident *incident, const PlanRow *row)
{
    int64_t distance = row->collected_at_us - incident->first_at_us;
    return distance < 0 ? -distance : distance;
}

/* The plan that the row's replaced, NULL: it was the first that was seen. */
static const PlanRow *
row_before(const PlanRows *rows, size_t position)
{
    for (size_t i = position + 1; i < rows->count; i++)
        if (strcmp(rows->items[i].database_name, rows->items[position].database_name) == 0)
            return &rows->items[i];
    return NULL;
}

static bool
row_parse(Arena *arena, const PlanRow *row, PgPlan **ret_plan)
{
    Error unreadable = {0}; /* what another version stored explains nothing */
    return row->plan_json != NULL &&
           pg_plan_parse(arena, row->plan_json, strlen(row->plan_json), ret_plan, &unreadable);
}

/* The change of plan nearest to the incident's first point; NULL: there is none near it. */
static const char *
change_of(Arena *arena, const Incident *incident, const PlanRows *rows, bool *ret_is_known)
{
    const PlanRow *nearest = NULL;
    const PlanRow *replaced = NULL;
    for (size_t i = 0; i < rows->count; i++) {
        const PlanRow *before = row_before(rows, i);
        bool is_near = distance_us(incident, &rows->items[i]) <= ANOMALY_PLAN_NEAR_US;
        if (before == NULL || !is_near ||
            (nearest != NULL && distance_us(incident, nearest) <= distance_us(incident, &rows->items[i])))
            continue;
        nearest = &rows->items[i];
        replaced = before;
    }
    PgPlan *before;
    PgPlan *now;
    if (nearest == NULL || !row_parse(arena, replaced, &before) || !row_parse(arena, nearest, &now))
        return NULL;
    *ret_is_known = nearest->change_cause != NULL;
    return anomaly_plan_text(arena, nearest->change_cause, before, now);
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
    const char *change = NULL;
    bool is_known = false;
    for (size_t i = 0; i < incident->query_hash_count && i < ANOMALY_PLAN_STATEMENTS_MOST && !is_known; i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("plans of an incident", SCRATCH_BYTES);
        PlanRows rows;
        if (!plan_rows_read(session, scratch, incident->target_id, incident->query_hashes[i],
                            PLANS_OF_STATEMENT, &rows, error))
            return false;
        const char *found = change_of(scratch, incident, &rows, &is_known);
        if (found != NULL && (change == NULL || is_known))
            change = arena_strdup(arena, found);
    }
    *ret_is_explained = change != NULL;
    if (change != NULL)
        incident_explain(arena, incident, change);
    return true;
}

bool
anomaly_plans_consult(PgConnection *session, Arena *arena, Incident *incidents, size_t count, Error *error)
{
    bool is_explained;
    for (size_t i = 0; i < count; i++)
        if (anomaly_plan_may_explain(&incidents[i]) &&
            !incident_consult(session, arena, &incidents[i], &is_explained, error))
            return false;
    return true;
}

bool
anomaly_plans_explain(PgConnection *session, int64_t target_id, int64_t *ret_explained, Error *error)
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
        if (!anomaly_plan_may_explain(incident))
            continue;
        if (!incident_consult(session, arena, incident, &is_explained, error) ||
            (is_explained && !incident_explain_write(session, incident, error)))
            return false;
        explained += is_explained;
    }
    *ret_explained = explained;
    return true;
}
