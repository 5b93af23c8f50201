// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_watch.h"

#include "workload/anomaly_look_internal.h"
#include "workload/anomaly_refresh_internal.h"

#define SCRATCH_BYTES ((size_t)1 << 30)
#define MINUTE_US (INT64_C(60) * 1000000)
#define REFRESH_US (INT64_C(6) * 3600 * 1000000)
/* Steps that are read back of the last look, to have the step before the new one; more are not caught up. */
#define STEPS_BACK_MOST 24
#define INCIDENTS_MOST 200

static const int64_t steps_ms[] = {250, 1000, 10000, 60000, 300000};

typedef struct Watching {
    PgConnection *session;
    Arena *arena;
    const AnomalyWatchOptions *options;
    AnomalyState state;
    int64_t since_us; /* the first round within a week */
    int64_t step_us;
    int64_t to_us; /* whole steps are judged until then */
} Watching;

AnomalyWatchOptions
anomaly_watch_options(const Settings *settings, int64_t target_id, int64_t now_us)
{
    return (AnomalyWatchOptions){.target_id = target_id,
                                 .now_us = now_us,
                                 .statements_most =
                                     (size_t)settings_get_int(settings, SETTING_ANOMALIES_STATEMENTS),
                                 .thresholds = anomaly_thresholds_of(settings),
                                 .rows_kept_ms = settings_get_int(settings, SETTING_RETENTION_SAMPLES),
                                 .incidents_kept_ms = settings_get_int(settings, SETTING_RETENTION_ROLLUPS)};
}

static int64_t
step_of(int64_t span_us)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(steps_ms); i++)
        if (span_us <= steps_ms[i] * 1000 * ANOMALY_STEPS_MOST)
            return steps_ms[i] * 1000;
    return steps_ms[FETTLE_COUNT_OF(steps_ms) - 1] * 1000;
}

static int64_t
floor_to(int64_t at_us, int64_t step_us)
{
    return at_us - at_us % step_us;
}

/* The step before the one that is judged is not in the baseline either: both may be of one incident. */
static StepRange
baseline_range(const Watching *watching)
{
    int64_t to_us = watching->state.evaluated_to_us == 0 ? watching->to_us : watching->state.evaluated_to_us;
    int64_t from_us = watching->to_us - ANOMALY_WEEK_US;
    if (from_us < watching->since_us)
        from_us = watching->since_us;
    return (StepRange){.target_id = watching->options->target_id,
                       .step_ms = watching->step_us / 1000,
                       .from_us = floor_to(from_us, watching->step_us),
                       .to_us = to_us - watching->step_us};
}

static bool
is_refresh_due(const Watching *watching)
{
    const AnomalyState *state = &watching->state;
    if (state->baselines_at_us == 0 || state->step_ms * 1000 != watching->step_us ||
        watching->options->now_us - state->baselines_at_us >= REFRESH_US)
        return true;
    StepRange range = baseline_range(watching);
    int64_t made_of_us = state->baselines_at_us - range.from_us;
    return range.to_us - range.from_us < ANOMALY_WEEK_US - REFRESH_US &&
           (range.to_us - range.from_us) * 5 >= made_of_us * 6;
}

static bool
refresh(Watching *watching, AnomalyReport *report, Error *error)
{
    AnomalyRefresh what = {.range = baseline_range(watching),
                           .statements_most = watching->options->statements_most};
    Incidents incidents = {0};
    AnomalyFilter filter = {.target_id = watching->options->target_id,
                            .resolved = -1,
                            .since_us = watching->to_us - ANOMALY_WEEK_US,
                            .most = INCIDENTS_MOST};
    watching->state.step_ms = watching->step_us / 1000;
    if (what.range.to_us <= what.range.from_us)
        return true;
    what.incidents = &incidents;
    if (!incidents_read(watching->session, watching->arena, &filter, &incidents, error) ||
        !anomaly_baselines_refresh(watching->session, &what, &watching->state.baseline_points, error))
        return false;
    watching->state.baselines_at_us = what.range.to_us;
    report->made_baselines = true;
    StepRange points = what.range;
    points.from_us = watching->to_us - ANOMALY_WEEK_US;
    if (!anomaly_points_delete(watching->session, &points, error))
        return false;
    return anomalies_drop(watching->session, watching->options->target_id,
                          watching->options->now_us - watching->options->rows_kept_ms * 1000,
                          watching->options->now_us - watching->options->incidents_kept_ms * 1000, error);
}

static AnomalySeriesOptions
recent_range(const Watching *watching)
{
    /* steps finer than the rounds are mostly empty */
    int64_t back = watching->step_us < MINUTE_US ? ANOMALY_STEPS_MOST : STEPS_BACK_MOST;
    int64_t from_us = watching->to_us - back * watching->step_us;
    if (from_us < watching->since_us)
        from_us = watching->since_us;
    if (from_us < watching->state.evaluated_to_us - watching->step_us)
        from_us = watching->state.evaluated_to_us - watching->step_us;
    return (AnomalySeriesOptions){.range = {.target_id = watching->options->target_id,
                                            .step_ms = watching->step_us / 1000,
                                            .from_us = floor_to(from_us, watching->step_us),
                                            .to_us = watching->to_us}};
}

static bool
look(Watching *watching, AnomalyReport *report, Error *error)
{
    AnomalySeriesOptions options = recent_range(watching);
    AnomalySeries series;
    if (options.range.to_us <= options.range.from_us)
        return true;
    if (!anomaly_series_read(watching->session, watching->arena, &options, &series, error))
        return false;
    AnomalyLook what = {.session = watching->session,
                        .arena = watching->arena,
                        .options = watching->options,
                        .state = &watching->state,
                        .series = &series,
                        .report = report};
    return anomaly_look(&what, error);
}

bool
anomaly_watch(PgConnection *session, const AnomalyWatchOptions *options, AnomalyReport *ret_report,
              Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("anomalies", SCRATCH_BYTES);
    Watching watching = {.session = session, .arena = arena, .options = options};
    *ret_report = (AnomalyReport){0};
    if (!anomaly_state_read(session, options->target_id, options->now_us - ANOMALY_WEEK_US, &watching.state,
                            &watching.since_us, error))
        return false;
    if (watching.since_us == 0)
        return true;
    watching.step_us = step_of(options->now_us - watching.since_us);
    watching.to_us = floor_to(options->now_us, watching.step_us);
    ret_report->step_ms = watching.step_us / 1000;
    if (watching.state.evaluated_to_us > watching.to_us) /* the clock was set back: what was said stays */
        return true;
    if (is_refresh_due(&watching) && !refresh(&watching, ret_report, error))
        return false;
    return look(&watching, ret_report, error);
}
