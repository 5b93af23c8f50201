// SPDX-License-Identifier: PostgreSQL
/*
 * What the server tells of itself at /metrics, besides the API's and the process's own figures: the
 * schedule's counters and the state of the store.
 */
#ifndef FETTLE_SERVER_FIGURES_H
#define FETTLE_SERVER_FIGURES_H

#include "api/metrics.h"
#include "jobs/schedule.h"

#define SERVER_FIGURES_MOST 16

typedef struct ServerFigures {
    Schedule *schedule;
    Metric *metrics[SERVER_FIGURES_MOST];
} ServerFigures;

/* Adds them to the registry; figures and schedule must outlive it. */
void server_figures_add(ServerFigures *figures, Schedule *schedule, MetricsRegistry *registry);

#endif
