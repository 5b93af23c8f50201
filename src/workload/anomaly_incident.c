// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_incident.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Rows scanned for each block touched more: as good as none is bloat. */
#define ROWS_OF_A_BLOCK 0.5

/* What one statement's alerts say together. */
typedef struct Signs {
    bool has[ANOMALY_METRIC_COUNT];
    double blocks_more; /* a second */
} Signs;

static Signs
signs_of(const AnomalyAlerts *alerts, int64_t query_hash)
{
    Signs signs = {0};
    for (size_t i = 0; i < alerts->count; i++) {
        const AnomalyAlert *alert = &alerts->items[i];
        if (alert->query_hash != query_hash)
            continue;
        signs.has[alert->metric] = true;
        if (alert->metric == ANOMALY_TOUCHED)
            signs.blocks_more = (alert->value - alert->usual) * alert->calls_per_second;
    }
    return signs;
}

static AnomalyType
type_of(const AnomalyScene *scene, const Signs *signs, const AnomalyAlert *alert)
{
    if (alert->query_hash == 0 || alert->type == ANOMALY_NEW_QUERY)
        return alert->type;
    if (signs->has[ANOMALY_TOUCHED] && !signs->has[ANOMALY_ROWS]) {
        bool is_bloat = scene->scanned_more < ROWS_OF_A_BLOCK * signs->blocks_more; /* not when NAN */
        return is_bloat ? ANOMALY_BLOAT : ANOMALY_PLAN_CHANGE;
    }
    if (signs->has[ANOMALY_ROWS])
        return ANOMALY_ROW_COUNT;
    if (signs->has[ANOMALY_HIT_RATIO])
        return ANOMALY_CACHE;
    return alert->type;
}

void
anomaly_alerts_type(const AnomalyScene *scene, AnomalyAlerts *alerts)
{
    for (size_t i = 0; i < alerts->count; i++) {
        Signs signs = signs_of(alerts, alerts->items[i].query_hash);
        alerts->items[i].type = type_of(scene, &signs, &alerts->items[i]);
    }
}

static bool
incident_has(const Incident *incident, int64_t query_hash)
{
    for (size_t i = 0; i < incident->query_hash_count; i++)
        if (incident->query_hashes[i] == query_hash)
            return true;
    return false;
}

static AnomalyType
incident_type(const Incident *incident)
{
    AnomalyType type = ANOMALY_TIME; /* what another version wrote is explained by nothing */
    (void)anomaly_type_find(incident->incident_type, &type);
    return type;
}

static bool
alert_joins(const AnomalyAlert *alert, const Incident *incident)
{
    AnomalyType type = incident_type(incident);
    bool is_its_own = alert->query_hash != 0 && incident_has(incident, alert->query_hash);
    if (!alert->finding.is_alert)
        return is_its_own || (alert->query_hash == 0 && alert->type == type);
    return is_its_own || type <= alert->type;
}

static const char *
cause_text(Arena *arena, const AnomalyAlert *alert)
{
    double value = alert->value;
    double usual = alert->usual;
    if (alert->finding.is_missing)
        return "calls that always came again have not come: a job that does not run";
    switch (alert->type) {
        case ANOMALY_LOCK_WAIT:
            return arena_printf(arena, "%.3g locks are waited for, usually %.3g", value, usual);
        case ANOMALY_PLAN_CHANGE:
            return arena_printf(arena,
                                "%.4g blocks a call, usually %.4g, for as many rows: probably another plan",
                                value, usual);
        case ANOMALY_BLOAT:
            return arena_printf(
                arena, "%.4g blocks a call, usually %.4g, though no more rows are scanned: probably bloat",
                value, usual);
        case ANOMALY_ROW_COUNT: return arena_printf(arena, "%.4g rows a call, usually %.4g", value, usual);
        case ANOMALY_CACHE:
            return arena_printf(arena, "%.0f %% of the blocks are found in shared buffers, usually %.0f %%",
                                100 * value, 100 * usual);
        case ANOMALY_RATE: return arena_printf(arena, "%.4g calls a second, usually %.4g", value, usual);
        case ANOMALY_NEW_QUERY:
            return arena_printf(arena, "a statement that was not seen before takes %.4g ms a call", value);
        case ANOMALY_IO:
            return arena_printf(arena, "more is read: %s is %.4g, usually %.4g",
                                anomaly_metric_info(alert->metric)->name, value, usual);
        default: return arena_printf(arena, "%.4g ms a call, usually %.4g", value, usual);
    }
}

/* The metric that an incident of the type is about: its figures explain it best. */
static bool
is_about(const AnomalyAlert *alert)
{
    static const AnomalyMetric metrics[ANOMALY_TYPE_COUNT] = {
        [ANOMALY_LOCK_WAIT] = ANOMALY_LOCKS,   [ANOMALY_PLAN_CHANGE] = ANOMALY_TOUCHED,
        [ANOMALY_BLOAT] = ANOMALY_TOUCHED,     [ANOMALY_ROW_COUNT] = ANOMALY_ROWS,
        [ANOMALY_CACHE] = ANOMALY_HIT_RATIO,   [ANOMALY_RATE] = ANOMALY_CALLS,
        [ANOMALY_NEW_QUERY] = ANOMALY_MEAN_MS, [ANOMALY_IO] = ANOMALY_METRIC_COUNT,
        [ANOMALY_TIME] = ANOMALY_MEAN_MS};
    return metrics[alert->type] == ANOMALY_METRIC_COUNT || metrics[alert->type] == alert->metric;
}

static void
incident_peak(Arena *arena, Incident *incident, const AnomalyScene *scene, const AnomalyAlert *alert)
{
    incident->peak_at_us = scene->at_us;
    incident->peak_z = alert->finding.z;
    incident->peak_metric = anomaly_metric_info(alert->metric)->name;
    incident->peak_value = alert->value;
    incident->peak_baseline = alert->usual;
    incident->peak_query_hash = alert->query_hash;
    incident->probable_cause = cause_text(arena, alert);
}

static void
incident_hash_add(Arena *arena, Incident *incident, int64_t query_hash)
{
    if (query_hash == 0 || incident_has(incident, query_hash) ||
        incident->query_hash_count == INCIDENT_HASHES_MOST)
        return;
    int64_t *hashes = ARENA_NEW_ARRAY(arena, int64_t, incident->query_hash_count + 1);
    if (incident->query_hash_count > 0)
        memcpy(hashes, incident->query_hashes, incident->query_hash_count * sizeof(*hashes));
    hashes[incident->query_hash_count++] = query_hash;
    incident->query_hashes = hashes;
}

/* Bloat was told from another plan by what the target scanned when it began; what it scans later may be
 * others'. */
static bool
alert_explains(const AnomalyAlert *alert, const Incident *incident)
{
    AnomalyType type = incident_type(incident);
    bool is_told = type == ANOMALY_BLOAT && alert->type == ANOMALY_PLAN_CHANGE &&
                   incident_has(incident, alert->query_hash);
    return alert->type < type && !is_told;
}

static void
incident_join(Arena *arena, Incident *incident, const AnomalyScene *scene, const AnomalyAlert *alert)
{
    AnomalySeverity severity = anomaly_severity_find(incident->severity);
    incident->last_at_us = scene->at_us;
    incident->calm = 0;
    if (!alert->finding.is_alert)
        return;
    if (alert->finding.severity > severity)
        incident->severity = anomaly_severity_word(alert->finding.severity);
    bool explains = alert_explains(alert, incident);
    incident_hash_add(arena, incident, alert->query_hash);
    if (explains)
        incident->incident_type = anomaly_type_word(alert->type);
    bool is_its_type = alert->type == incident_type(incident) && is_about(alert);
    if (explains || (is_its_type && fabs(alert->finding.z) > fabs(incident->peak_z)))
        incident_peak(arena, incident, scene, alert);
}

/* The alert that explains most, the strongest of those; NULL: none is left. */
static const AnomalyAlert *
alert_leading(const AnomalyAlerts *alerts)
{
    const AnomalyAlert *leading = NULL;
    for (size_t i = 0; i < alerts->count; i++) {
        const AnomalyAlert *alert = &alerts->items[i];
        if (!alert->finding.is_alert || alert->incident != 0)
            continue;
        bool is_before =
            leading == NULL || alert->type < leading->type ||
            (alert->type == leading->type &&
             (is_about(alert) > is_about(leading) ||
              (is_about(alert) == is_about(leading) && fabs(alert->finding.z) > fabs(leading->finding.z))));
        if (is_before)
            leading = alert;
    }
    return leading;
}

static void
incident_open(Arena *arena, const AnomalyScene *scene, AnomalyAlerts *alerts, IncidentList *incidents)
{
    const AnomalyAlert *leading = alert_leading(alerts);
    if (leading == NULL)
        return;
    Incident incident = {.target_id = scene->target_id,
                         .incident_type = anomaly_type_word(leading->type),
                         .severity = anomaly_severity_word(ANOMALY_HIGH),
                         .first_at_us = leading->finding.since_us};
    incident_peak(arena, &incident, scene, leading);
    incident_join(arena, &incident, scene, leading);
    for (size_t i = 0; i < alerts->count; i++) {
        AnomalyAlert *alert = &alerts->items[i];
        if (!alert->finding.is_alert || alert->incident != 0)
            continue;
        incident_join(arena, &incident, scene, alert);
        alert->incident = incidents->count + 1;
        if (alert->finding.since_us < incident.first_at_us)
            incident.first_at_us = alert->finding.since_us;
    }
    vector_push(arena, incidents, incident);
}

void
anomaly_incidents_fold(Arena *arena, const AnomalyScene *scene, AnomalyAlerts *alerts,
                       IncidentList *incidents)
{
    size_t open_count = incidents->count;
    for (size_t k = 0; k < open_count; k++)
        incidents->items[k].calm++;
    for (size_t i = 0; i < alerts->count; i++)
        for (size_t k = 0; k < open_count && alerts->items[i].incident == 0; k++)
            if (alert_joins(&alerts->items[i], &incidents->items[k])) {
                incident_join(arena, &incidents->items[k], scene, &alerts->items[i]);
                alerts->items[i].incident = k + 1;
            }
    for (size_t k = 0; k < open_count; k++)
        if (incidents->items[k].calm >= ANOMALY_CALM_LOOKS) {
            incidents->items[k].resolved = true;
            incidents->items[k].resolved_at_us = scene->at_us;
        }
    incident_open(arena, scene, alerts, incidents);
}
