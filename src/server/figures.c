// SPDX-License-Identifier: PostgreSQL
#include "server/figures.h"

/* One row a figure: kind, name, documentation, and where it stands in a ScheduleState. */
#define FIGURES(X)                                                                                           \
    X(METRICS_GAUGE, "fettle_targets", "targets that are watched", (double)state.targets)                    \
    X(METRICS_GAUGE, "fettle_targets_failing", "targets whose last round failed",                            \
      (double)state.targets_failing)                                                                         \
    X(METRICS_COUNTER, "fettle_rounds_total", "rounds done", (double)state.rounds)                           \
    X(METRICS_COUNTER, "fettle_rounds_failed_total", "rounds that failed on the target",                     \
      (double)state.rounds_failed)                                                                           \
    X(METRICS_COUNTER, "fettle_rounds_late_total", "rounds that began more than an interval late",           \
      (double)state.rounds_late)                                                                             \
    X(METRICS_COUNTER, "fettle_samples_total", "samples of statements written", (double)state.samples)       \
    X(METRICS_COUNTER, "fettle_activity_samples_total", "samples of activity taken",                         \
      (double)state.activity_samples)                                                                        \
    X(METRICS_COUNTER, "fettle_activity_samples_skipped_total",                                              \
      "samples of activity left out because workers or the target's round were busy",                        \
      (double)state.activity_skipped)                                                                        \
    X(METRICS_COUNTER, "fettle_received_bytes_total", "bytes received from targets",                         \
      (double)state.bytes_received)                                                                          \
    X(METRICS_COUNTER, "fettle_target_seconds_total", "time spent waiting for targets",                      \
      (double)state.target_time_us / 1e6)                                                                    \
    X(METRICS_COUNTER, "fettle_notices_sent_total", "messages that webhooks took",                           \
      (double)state.notices_sent)                                                                            \
    X(METRICS_COUNTER, "fettle_notices_failed_total", "attempts to tell a webhook that failed",              \
      (double)state.notices_failed)                                                                          \
    X(METRICS_GAUGE, "fettle_rounds_waiting", "rounds that wait for a worker", (double)state.queue_waiting)  \
    X(METRICS_GAUGE, "fettle_collecting", "1 when targets are read and the store can be written, else 0",    \
      state.store == STORE_STATE_OK)

static void
figures_collect(void *context)
{
    ServerFigures *figures = context;
    ScheduleState state = schedule_state(figures->schedule);
    size_t at = 0;
#define FIGURE_SET(kind, name, documentation, value) metric_set(figures->metrics[at++], (value));
    FIGURES(FIGURE_SET)
#undef FIGURE_SET
}

void
server_figures_add(ServerFigures *figures, Schedule *schedule, MetricsRegistry *registry)
{
    figures->schedule = schedule;
    size_t count = 0;
#define FIGURE_NEW(kind, name, documentation, value)                                                         \
    fettle_assert(count < SERVER_FIGURES_MOST);                                                              \
    figures->metrics[count++] = metrics_new(registry, (kind), (name), (documentation), "");
    FIGURES(FIGURE_NEW)
#undef FIGURE_NEW
    metrics_collector_add(registry, figures_collect, figures);
}
