// SPDX-License-Identifier: PostgreSQL
/*
 * Overview: what a workload is and what should be done about it, in the words of the contract (section 11).
 *
 * oltp: more than 1000 queries an hour of less than 100 ms, under 10 % of them slow; olap: less than 100 an
 * hour of more than 1000 ms, over 30 % slow; else mixed. Averages are weighted by calls; a slow query is a
 * call of a statement with a mean of more than 1000 ms. Rates are per observed hour. Peak hours are those of
 * the busiest fifth of the day's hours that have 1.25 times the lower quartile or more.
 *
 * Without any observed hour there is no type: it is "mixed" with figures of 0, and an insight says why.
 * Pure.
 */
#ifndef FETTLE_WORKLOAD_OVERVIEW_H
#define FETTLE_WORKLOAD_OVERVIEW_H

#include "workload/bottleneck.h"
#include "workload/class.h"
#include "workload/profile.h"
#include "workload/shift.h"

typedef enum WorkloadType { WORKLOAD_MIXED, WORKLOAD_OLTP, WORKLOAD_OLAP } WorkloadType;
const char *workload_type_word(WorkloadType type);

typedef struct WorkloadAdvice {
    const char *type;     /* peak_load, slow_queries, resource, caching, scheduling */
    const char *priority; /* high, medium, low */
    const char *title;
    const char *description;
    TextList steps;
    const char *impact;
} WorkloadAdvice;

VECTOR_DEFINE(WorkloadAdviceList, WorkloadAdvice);

typedef struct OverviewInput {
    const HourlySeries *series; /* all databases of the target that were asked for */
    const WorkloadTemplates *templates;
    const ClassFound *classes;      /* of each template; NULL: not known */
    const Bottlenecks *bottlenecks; /* NULL: not known */
} OverviewInput;

typedef struct Overview {
    WorkloadType type;
    Profile profile;
    int peak_hours[SERIES_DAY_HOURS]; /* ascending */
    size_t peak_hour_count;
    int quiet_hour; /* of the day, with the least work; -1: not known */
    double queries_per_hour;
    double mean_ms;
    double query_count;
    double slow_count;
    double slow_percent;
    WorkloadShift shifts[2];
    size_t shift_count;
    WorkloadAdviceList advice;
    TextList insights;
} Overview;

void overview_make(Arena *arena, const OverviewInput *input, Overview *ret_overview);

#endif
