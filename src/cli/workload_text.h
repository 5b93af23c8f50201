// SPDX-License-Identifier: PostgreSQL
/*
 * A workload's parts for people: tables, sparklines and a map of weekdays by hours. Colours only where the
 * terminal takes them; everything can be read without. Names and texts are the target's: control characters
 * never reach the terminal.
 */
#ifndef FETTLE_CLI_WORKLOAD_TEXT_H
#define FETTLE_CLI_WORKLOAD_TEXT_H

#include "store/workload_pattern.h"
#include "workload/study.h"

typedef struct WorkloadShown {
    const char *target_name;
    const WorkloadPatterns *patterns;
    size_t rows_most;
    bool is_coloured;
} WorkloadShown;

/* Why a series of so many hours has no period, where it has none. */
void workload_text_no_period(Text *text, const Periods *periods, size_t hour_count);

void workload_text_analysis(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_issues(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_patterns(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_hot(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_classes(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_clusters(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_bottlenecks(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);
void workload_text_columns(Text *text, const WorkloadStudy *study, const WorkloadShown *shown);

#endif
