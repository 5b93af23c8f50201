// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_look_internal.h"

#include "base/json_writer.h"
#include "base/map.h"
#include "pg/result.h"
#include "store/statement.h"
#include "workload/anomaly_incident.h"
#include "workload/anomaly_past.h"
#include "workload/anomaly_plan.h"

#include <math.h>

#define OPEN_INCIDENTS_MOST 100
/* A statement matters from this share of the target's time on, and takes part in nothing below it. */
#define SHARE_LEAST 0.02
#define NEW_SHARE_LEAST 0.1
#define NEW_POINTS_LEAST 288 /* a baseline of fewer steps does not know what is new */

typedef struct Baselines {
    AnomalyBaseline items[ANOMALY_METRIC_COUNT]; /* points 0: there is none */
} Baselines;

VECTOR_DEFINE(RowList, AnomalyRow);

typedef struct Looking {
    AnomalyLook *look;
    const AnomalySeries *series;
    Map *baselines; /* of a hash plus one */
    size_t newest;  /* steps */
    size_t before;  /* the step with samples before it; newest when there is none */
    int64_t at_us;
    double exec_ms; /* of the target in the step, or what is usual if that is more */
    AnomalyAlerts alerts;
    StepList past;      /* of the target, when a metric of it is off */
    const char *oddity; /* JSON text, NULL: not known */
    Map *open;          /* rows, by series */
    RowList rows;
} Looking;

static uint64_t
series_key(int64_t query_hash, AnomalyMetric metric)
{
    return (uint64_t)query_hash * 31 + (uint64_t)metric;
}

static Baselines *
baselines_of(const Looking *looking, int64_t query_hash)
{
    return map_get_id(looking->baselines, (uint64_t)query_hash + 1);
}

static bool
baselines_load(Looking *looking, Error *error)
{
    const AnomalySeries *series = looking->series;
    const int hours[2] = {
        anomaly_hour_of(looking->at_us),
        anomaly_hour_of(series->from_us + (int64_t)(looking->before + 1) * series->step_us)};
    AnomalyLook *look = looking->look;
    BaselineRows rows;
    looking->baselines = map_new(look->arena);
    if (!baselines_read(look->session, look->arena, look->options->target_id, look->state->step_ms, hours,
                        &rows, error))
        return false;
    for (size_t i = 0; i < rows.count; i++) {
        const BaselineRow *row = &rows.items[i];
        AnomalyMetric metric;
        if (!anomaly_metric_find(row->metric_name, &metric))
            continue;
        Baselines *baselines = baselines_of(looking, row->query_hash);
        if (baselines == NULL) {
            baselines = ARENA_NEW(look->arena, Baselines);
            map_put_id(looking->baselines, (uint64_t)row->query_hash + 1, baselines);
        }
        AnomalyBaseline *baseline = &baselines->items[metric];
        *baseline = (AnomalyBaseline){.points = (size_t)row->points,
                                      .scale = row->scale,
                                      .tail_low = row->tail_low,
                                      .tail_high = row->tail_high};
        for (size_t h = 0; h < ANOMALY_HOURS; h++)
            baseline->centres[h] = row->centres[h];
    }
    return true;
}

static double
value_at(const Looking *looking, const AnomalySteps *steps, AnomalyMetric metric, size_t step)
{
    return steps->values[(size_t)metric * looking->series->step_count + step];
}

/* The newest step that was observed, and the one before it. */
static bool
steps_find(Looking *looking)
{
    size_t found = 0;
    for (size_t step = looking->series->step_count; step-- > 0 && found < 2;)
        if (isfinite(value_at(looking, &looking->series->target, ANOMALY_CALLS, step))) {
            looking->before = step;
            if (found++ == 0)
                looking->newest = step;
        }
    looking->at_us = looking->series->from_us + (int64_t)(looking->newest + 1) * looking->series->step_us;
    return found > 0;
}

static bool
is_worth_alerting(const AnomalySteps *steps, AnomalyMetric metric)
{
    /* averages over all statements move with their mixture */
    bool is_of_mixture = metric == ANOMALY_READ || metric == ANOMALY_TOUCHED || metric == ANOMALY_ROWS;
    return steps->query_hash != 0 || !is_of_mixture;
}

/* The share of the target's time that a statement has now, or for calls usually has. */
static double
share_of(const Looking *looking, const AnomalySteps *steps, AnomalyMetric metric)
{
    if (steps->query_hash == 0)
        return 1;
    double exec_ms = steps->exec_ms[looking->newest];
    const Baselines *baselines = baselines_of(looking, steps->query_hash);
    if (metric == ANOMALY_CALLS && baselines != NULL && baselines->items[ANOMALY_MEAN_MS].points > 0) {
        double calls = value_at(looking, &looking->series->target, ANOMALY_CALLS, looking->newest);
        double observed = calls > 0 ? looking->series->target.calls[looking->newest] / calls : 0;
        exec_ms =
            fmax(exec_ms, anomaly_usual(&baselines->items[ANOMALY_MEAN_MS], ANOMALY_MEAN_MS, looking->at_us) *
                              anomaly_usual(&baselines->items[ANOMALY_CALLS], ANOMALY_CALLS, looking->at_us) *
                              observed);
    }
    return looking->exec_ms > 0 ? exec_ms / looking->exec_ms : 0;
}

/* What fires whatever is usual: hits below .5 and .3, more than 500 and 1000 ms of input and output a call.
 */
static AnomalySeverity
severity_absolute(AnomalyMetric metric, double value)
{
    if (metric == ANOMALY_HIT_RATIO && value < 0.5)
        return value < 0.3 ? ANOMALY_HIGH : ANOMALY_MEDIUM;
    if (metric == ANOMALY_IO_MS && value > 500)
        return value > 1000 ? ANOMALY_HIGH : ANOMALY_MEDIUM;
    return ANOMALY_NONE;
}

static void
row_keep(Looking *looking, const AnomalySteps *steps, const AnomalyAlert *alert,
         const AnomalyBaseline *baseline)
{
    AnomalyRow *open = map_get_id(looking->open, series_key(steps->query_hash, alert->metric));
    AnomalySeverity severity = alert->finding.severity;
    AnomalySeverity absolute = severity_absolute(alert->metric, alert->value);
    const AnomalyMetricInfo *info = anomaly_metric_info(alert->metric);
    if (absolute > severity)
        severity = absolute;
    bool is_whole = steps->query_hash == 0;
    bool is_bad = severity >= (is_whole || open != NULL ? ANOMALY_LOW : ANOMALY_HIGH);
    AnomalySeverity before = open == NULL ? ANOMALY_NONE : anomaly_severity_find(open->severity);
    bool is_news = severity > before || (open != NULL && alert->finding.is_alert && open->incident_id == 0);
    if (!is_bad || !is_news) {
        if (open != NULL && is_bad)
            open->id = -open->id; /* it goes on; nothing of it is to be written */
        return;
    }
    if (severity < before)
        severity = before;
    double usual_transformed = anomaly_transform(alert->metric, alert->usual);
    AnomalyRow row = {.id = open == NULL ? 0 : open->id,
                      .query_hash = steps->query_hash,
                      .anomaly_type = anomaly_type_word(alert->type),
                      .severity = anomaly_severity_word(severity),
                      .metric_name = info->name,
                      .metric_value = alert->value,
                      .baseline_value = alert->usual,
                      .deviation =
                          anomaly_restore(alert->metric, usual_transformed + baseline->scale) - alert->usual,
                      .z_score = alert->finding.z,
                      .raw_metrics_json = is_whole ? looking->oddity : NULL};
    vector_push(looking->look->arena, &looking->rows, row);
    if (open != NULL)
        open->id = -open->id;
}

/* A target's metric that is off is judged by its stretch too; its shape is looked at when that decides. */
static AnomalyFinding
finding_of(const Looking *looking, const AnomalySteps *steps, AnomalyMetric metric,
           const AnomalyBaseline *baseline, const AnomalyPoint *points, size_t count)
{
    const AnomalyThresholds *thresholds = &looking->look->options->thresholds;
    AnomalyFinding finding = anomaly_judge(metric, baseline, thresholds, points, count, NULL);
    /* what does not come is missed at points that are usual */
    bool may_miss = anomaly_metric_info(metric)->side == ANOMALY_BOTH;
    bool is_off = !isnan(finding.z) && (finding.severity >= ANOMALY_LOW || may_miss) && !finding.is_alert;
    if (steps->query_hash != 0 || !is_off || looking->past.count < ANOMALY_STREAM_WARM_UP)
        return finding;
    bool with_shapes = finding.severity == ANOMALY_CRITICAL && finding.is_beyond && finding.matters;
    AnomalyStrangeness strangeness = anomaly_past_strangeness(looking->look->arena, &looking->past, metric,
                                                              baseline, finding.z, with_shapes);
    strangeness.is_missing |=
        may_miss && anomaly_past_misses_job(looking->look->arena, &looking->past, looking->series->step_us,
                                            metric, baseline, &points[count - 1]);
    return anomaly_judge(metric, baseline, thresholds, points, count, &strangeness);
}

static void
metric_judge(Looking *looking, const AnomalySteps *steps, AnomalyMetric metric,
             const AnomalyBaseline *baseline)
{
    const AnomalySeries *series = looking->series;
    AnomalyPoint points[2];
    size_t count = 0;
    const AnomalyMetricInfo *info = anomaly_metric_info(metric);
    double before = value_at(looking, steps, metric, looking->before);
    if (looking->before != looking->newest && isfinite(before))
        points[count++] = (AnomalyPoint){
            .at_us = series->from_us + (int64_t)(looking->before + 1) * series->step_us, .value = before};
    points[count++] =
        (AnomalyPoint){.at_us = looking->at_us, .value = value_at(looking, steps, metric, looking->newest)};
    looking->look->report->series++;
    AnomalyAlert alert = {.query_hash = steps->query_hash,
                          .metric = metric,
                          .type = info->type,
                          .finding = finding_of(looking, steps, metric, baseline, points, count),
                          .value = points[count - 1].value,
                          .usual = anomaly_usual(baseline, metric, looking->at_us),
                          .calls_per_second = value_at(looking, steps, ANOMALY_CALLS, looking->newest)};
    if (isnan(alert.finding.z) || info->type == ANOMALY_TYPE_COUNT ||
        share_of(looking, steps, metric) < SHARE_LEAST)
        return;
    row_keep(looking, steps, &alert, baseline);
    bool is_bad = alert.finding.severity >= ANOMALY_HIGH && alert.finding.matters;
    if (is_worth_alerting(steps, metric) && (alert.finding.is_alert || is_bad))
        vector_push(looking->look->arena, &looking->alerts, alert);
}

/* A statement that no baseline knows, and that takes much of the target's time in both steps. */
static void
new_statement_judge(Looking *looking, const AnomalySteps *steps)
{
    const Baselines *whole = baselines_of(looking, 0);
    if (whole == NULL || whole->items[ANOMALY_EXEC_MS].points < NEW_POINTS_LEAST ||
        looking->before == looking->newest)
        return;
    double before_ms = looking->series->target.exec_ms[looking->before];
    if (share_of(looking, steps, ANOMALY_MEAN_MS) < NEW_SHARE_LEAST ||
        !(before_ms > 0 && steps->exec_ms[looking->before] / before_ms >= NEW_SHARE_LEAST))
        return;
    AnomalyPoint point = {.at_us = looking->at_us,
                          .value =
                              value_at(looking, &looking->series->target, ANOMALY_EXEC_MS, looking->newest)};
    double z = anomaly_deviation(&whole->items[ANOMALY_EXEC_MS], ANOMALY_EXEC_MS, &point);
    if (!(anomaly_severity_of(&looking->look->options->thresholds, z) >= ANOMALY_HIGH))
        return; /* the target as a whole has no more to do than usual */
    AnomalyAlert alert = {.query_hash = steps->query_hash,
                          .metric = ANOMALY_MEAN_MS,
                          .type = ANOMALY_NEW_QUERY,
                          .finding = {.z = z,
                                      .severity = ANOMALY_HIGH,
                                      .is_alert = true,
                                      .since_us = looking->at_us - looking->series->step_us},
                          .value = value_at(looking, steps, ANOMALY_MEAN_MS, looking->newest),
                          .usual = NAN,
                          .calls_per_second = value_at(looking, steps, ANOMALY_CALLS, looking->newest)};
    vector_push(looking->look->arena, &looking->alerts, alert);
}

static void
steps_judge(Looking *looking, const AnomalySteps *steps, size_t metric_count)
{
    const Baselines *baselines = baselines_of(looking, steps->query_hash);
    if (baselines == NULL) {
        new_statement_judge(looking, steps);
        return;
    }
    for (size_t metric = 0; metric < metric_count; metric++)
        if (baselines->items[metric].points >= ANOMALY_POINTS_LEAST)
            metric_judge(looking, steps, (AnomalyMetric)metric, &baselines->items[metric]);
}

static AnomalySeverity
severity_of_whole(const Looking *looking)
{
    const Baselines *whole = baselines_of(looking, 0);
    AnomalySeverity most = ANOMALY_NONE;
    for (size_t metric = 0; metric < ANOMALY_METRIC_COUNT && whole != NULL; metric++) {
        AnomalyPoint point = {
            .at_us = looking->at_us,
            .value = value_at(looking, &looking->series->target, (AnomalyMetric)metric, looking->newest)};
        const AnomalyBaseline *baseline = &whole->items[metric];
        if (baseline->points == 0 || !isfinite(point.value))
            continue;
        double z = anomaly_deviation(baseline, (AnomalyMetric)metric, &point);
        AnomalySeverity severity = anomaly_severity_of(&looking->look->options->thresholds,
                                                       anomaly_badness((AnomalyMetric)metric, z));
        most = severity > most ? severity : most;
    }
    return most;
}

/* The steps before, when a metric of the target is off; how odd all metrics are together, when one is high.
 */
static bool
past_read(Looking *looking, const StepFigures *newest, Error *error)
{
    AnomalyLook *look = looking->look;
    AnomalySeverity severity = severity_of_whole(looking);
    StepRange range = {.target_id = look->options->target_id,
                       .step_ms = look->state->step_ms,
                       .from_us = looking->at_us - ANOMALY_STEPS_MOST * looking->series->step_us,
                       .to_us = looking->at_us};
    if (severity < ANOMALY_LOW)
        return true;
    if (!anomaly_points_read(look->session, look->arena, &range, &looking->past, error))
        return false;
    if (severity < ANOMALY_HIGH)
        return true;
    AnomalyOddity oddity = anomaly_past_oddity(look->arena, &looking->past, newest);
    if (!oddity.is_known)
        return true;
    Text text = text_new(look->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_double(&json, "forest_score", oddity.score);
    json_key_double(&json, "forest_quantile", oddity.quantile);
    json_key_bool(&json, "forest_is_odd", oddity.is_odd);
    json_key_string(&json, "forest_cause",
                    oddity.cause == ANOMALY_METRIC_COUNT ? NULL : anomaly_metric_info(oddity.cause)->name);
    json_object_end(&json);
    looking->oddity = text.data;
    return true;
}

/* Rows a second that the target scans more than usually for as many calls. */
static double
scanned_more(const Looking *looking)
{
    const Baselines *whole = baselines_of(looking, 0);
    const AnomalySteps *target = &looking->series->target;
    if (whole == NULL || whole->items[ANOMALY_SCANNED].points == 0 || whole->items[ANOMALY_CALLS].points == 0)
        return NAN;
    double calls = value_at(looking, target, ANOMALY_CALLS, looking->newest);
    double usual_calls = anomaly_usual(&whole->items[ANOMALY_CALLS], ANOMALY_CALLS, looking->at_us);
    double usual = anomaly_usual(&whole->items[ANOMALY_SCANNED], ANOMALY_SCANNED, looking->at_us);
    if (!(usual_calls > 0))
        return NAN;
    return value_at(looking, target, ANOMALY_SCANNED, looking->newest) - usual / usual_calls * calls;
}

static AnomalyScene
scene_of(const Looking *looking)
{
    return (AnomalyScene){.target_id = looking->look->options->target_id,
                          .at_us = looking->at_us,
                          .step_us = looking->series->step_us,
                          .scanned_more = scanned_more(looking)};
}

static bool
open_read(Looking *looking, IncidentList *incidents, AnomalyRows *open, Error *error)
{
    AnomalyLook *look = looking->look;
    AnomalyFilter filter = {.target_id = look->options->target_id, .most = OPEN_INCIDENTS_MOST};
    Incidents read;
    if (!incidents_read(look->session, look->arena, &filter, &read, error))
        return false;
    for (size_t i = 0; i < read.count; i++)
        vector_push(look->arena, incidents, read.items[i]);
    filter.most = ANOMALIES_OPEN_MOST;
    if (!anomalies_read(look->session, look->arena, &filter, open, error))
        return false;
    looking->open = map_new(look->arena);
    for (size_t i = 0; i < open->count; i++) {
        AnomalyMetric metric;
        if (anomaly_metric_find(open->items[i].metric_name, &metric))
            map_put_id(looking->open, series_key(open->items[i].query_hash, metric), &open->items[i]);
    }
    return true;
}

/* Rows that nothing was found of any more are over. */
static void
rows_resolve(Looking *looking, const AnomalyRows *open)
{
    for (size_t i = 0; i < open->count; i++)
        if (open->items[i].id > 0) {
            AnomalyRow over = open->items[i];
            over.resolved = true;
            over.raw_metrics_json = NULL;
            vector_push(looking->look->arena, &looking->rows, over);
        }
}

static void
rows_of_incidents(Looking *looking, const IncidentList *incidents)
{
    for (size_t i = 0; i < looking->rows.count; i++) {
        AnomalyRow *row = &looking->rows.items[i];
        for (size_t k = 0; k < looking->alerts.count; k++) {
            const AnomalyAlert *alert = &looking->alerts.items[k];
            AnomalyMetric metric = ANOMALY_METRIC_COUNT;
            if (alert->incident == 0 || alert->query_hash != row->query_hash ||
                !anomaly_metric_find(row->metric_name, &metric) || metric != alert->metric)
                continue;
            row->incident_id = incidents->items[alert->incident - 1].id;
            row->anomaly_type = anomaly_type_word(alert->type);
        }
    }
}

static StepFigures
newest_figures(const Looking *looking)
{
    StepFigures figures = {.ended_at_us = looking->at_us};
    for (size_t metric = 0; metric < ANOMALY_METRIC_COUNT; metric++)
        figures.figures[metric] =
            value_at(looking, &looking->series->target, (AnomalyMetric)metric, looking->newest);
    return figures;
}

static bool
all_write(Looking *looking, IncidentList *incidents, Error *error)
{
    AnomalyLook *look = looking->look;
    int64_t target_id = look->options->target_id;
    StepFigures figures = newest_figures(looking);
    StepList point = {.items = &figures, .count = 1};
    for (size_t i = 0; i < incidents->count; i++)
        if (!incident_write(look->session, &incidents->items[i], error))
            return false;
    rows_of_incidents(looking, incidents);
    AnomalyRows rows = {.items = looking->rows.items, .count = looking->rows.count};
    return anomalies_write(look->session, target_id, looking->at_us, &rows, error) &&
           anomaly_points_write(look->session, target_id, look->state->step_ms, &point, error) &&
           anomaly_state_write(look->session, target_id, look->state, error);
}

static bool
all_keep(Looking *looking, IncidentList *incidents, Error *error)
{
    PgConnection *session = looking->look->session;
    looking->look->state->evaluated_to_us = looking->at_us;
    if (!pg_execute(session, "BEGIN", error))
        return false;
    if (all_write(looking, incidents, error))
        return pg_execute(session, "COMMIT", error);
    Error ignored = {0};
    (void)!pg_transaction_end(session, &ignored);
    return false;
}

/* What Fettle itself asks is no news of the target. */
static bool
own_alerts_drop(Looking *looking, Error *error)
{
    AnomalyLook *look = looking->look;
    AnomalyAlerts *alerts = &looking->alerts;
    int64_t *hashes = ARENA_NEW_ARRAY(look->arena, int64_t, alerts->count);
    bool *are_own = ARENA_NEW_ARRAY(look->arena, bool, alerts->count);
    size_t kept = 0;
    for (size_t i = 0; i < alerts->count; i++)
        hashes[i] = alerts->items[i].query_hash;
    if (alerts->count > 0 &&
        !statements_are_own(look->session, look->options->target_id, hashes, alerts->count, are_own, error))
        return false;
    for (size_t i = 0; i < alerts->count; i++)
        if (!are_own[i])
            alerts->items[kept++] = alerts->items[i];
    alerts->count = kept;
    return true;
}

static size_t
statements_to_explain(const Incident *incident)
{
    return anomaly_plan_may_explain(incident) ? incident->query_hash_count : 0;
}

/* An open incident before the look's alerts joined it. */
typedef struct IncidentBefore {
    size_t statements;          /* that plans may explain */
    const char *probable_cause; /* another pointer: told anew */
} IncidentBefore;

/* A plan's cause stays where it was told; one is looked for while it may come, for statements that have
 * joined, and when the counters have told another cause over it. */
static bool
plans_consult(const Looking *looking, const IncidentBefore *before, size_t open_before,
              IncidentList *incidents, Error *error)
{
    AnomalyLook *look = looking->look;
    for (size_t i = 0; i < incidents->count; i++) {
        Incident *incident = &incidents->items[i];
        bool is_other = i >= open_before || statements_to_explain(incident) > before[i].statements ||
                        incident->probable_cause != before[i].probable_cause;
        if ((is_other || anomaly_plan_is_near(incident, looking->at_us)) &&
            !anomaly_plan_consult(look->session, look->arena, incident, error))
            return false;
    }
    return true;
}

/* The look's alerts become incidents; what the plans in the store tell of those is their cause. */
static bool
incidents_make(Looking *looking, IncidentList *incidents, Error *error)
{
    AnomalyLook *look = looking->look;
    AnomalyScene scene = scene_of(looking);
    size_t open_before = incidents->count;
    IncidentBefore *before = ARENA_NEW_ARRAY(look->arena, IncidentBefore, open_before);
    for (size_t i = 0; i < open_before; i++)
        before[i] = (IncidentBefore){.statements = statements_to_explain(&incidents->items[i]),
                                     .probable_cause = incidents->items[i].probable_cause};
    anomaly_alerts_type(&scene, &looking->alerts);
    anomaly_incidents_fold(look->arena, &scene, &looking->alerts, incidents);
    for (size_t i = 0; i < incidents->count; i++)
        look->report->wants_plans |=
            statements_to_explain(&incidents->items[i]) > (i < open_before ? before[i].statements : 0);
    return plans_consult(looking, before, open_before, incidents, error);
}

static void
report_fill(const Looking *looking, size_t open_before, const IncidentList *incidents)
{
    AnomalyReport *report = looking->look->report;
    report->rows_written = (int64_t)looking->rows.count;
    report->incidents_new = (int64_t)(incidents->count - open_before);
    for (size_t i = 0; i < incidents->count; i++) {
        report->incidents_resolved += incidents->items[i].resolved;
        report->incidents_open += !incidents->items[i].resolved;
    }
}

/* The target's time in the step, or what is usual if that is more. */
static double
exec_ms_of(const Looking *looking)
{
    const Baselines *whole = baselines_of(looking, 0);
    double calls = value_at(looking, &looking->series->target, ANOMALY_CALLS, looking->newest);
    double observed = calls > 0 ? looking->series->target.calls[looking->newest] / calls : 0;
    double exec_ms = looking->series->target.exec_ms[looking->newest];
    if (whole == NULL || whole->items[ANOMALY_EXEC_MS].points == 0)
        return exec_ms;
    return fmax(exec_ms,
                observed * anomaly_usual(&whole->items[ANOMALY_EXEC_MS], ANOMALY_EXEC_MS, looking->at_us));
}

bool
anomaly_look(AnomalyLook *look, Error *error)
{
    Looking looking = {.look = look, .series = look->series};
    IncidentList incidents = {0};
    AnomalyRows open;
    if (!steps_find(&looking) || looking.at_us <= look->state->evaluated_to_us)
        return anomaly_state_write(look->session, look->options->target_id, look->state, error);
    StepFigures newest = newest_figures(&looking);
    if (!baselines_load(&looking, error) || !open_read(&looking, &incidents, &open, error) ||
        !past_read(&looking, &newest, error))
        return false;
    looking.exec_ms = exec_ms_of(&looking);
    if (baselines_of(&looking, 0) != NULL)
        steps_judge(&looking, &look->series->target, ANOMALY_METRIC_COUNT);
    for (size_t i = 0; i < look->series->statement_count; i++)
        steps_judge(&looking, &look->series->statements[i], ANOMALY_STATEMENT_METRICS);
    size_t open_before = incidents.count;
    if (!own_alerts_drop(&looking, error) || !incidents_make(&looking, &incidents, error))
        return false;
    rows_resolve(&looking, &open);
    report_fill(&looking, open_before, &incidents);
    return all_keep(&looking, &incidents, error);
}
