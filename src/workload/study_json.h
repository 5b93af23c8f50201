// SPDX-License-Identifier: PostgreSQL
/*
 * A study's parts as JSON values, the same for the API and for the command line's --json; their schemas are
 * in src/api/openapi.yaml. What is not known is null, never 0.
 */
#ifndef FETTLE_WORKLOAD_STUDY_JSON_H
#define FETTLE_WORKLOAD_STUDY_JSON_H

#include "base/json_writer.h"
#include "store/workload_pattern.h"
#include "workload/study.h"

/* Each writes one object; of advice, the list. */
void study_json_analysis(JsonWriter *json, const WorkloadStudy *study);
void study_json_patterns(JsonWriter *json, const WorkloadStudy *study, const WorkloadPatterns *patterns);
void study_json_advice(JsonWriter *json, const WorkloadStudy *study);
void study_json_hot(JsonWriter *json, const WorkloadStudy *study);
void study_json_classes(JsonWriter *json, const WorkloadStudy *study, size_t most);
void study_json_clusters(JsonWriter *json, const WorkloadStudy *study);
void study_json_bottlenecks(JsonWriter *json, const WorkloadStudy *study);
/* Their list alone. */
void study_json_bottleneck_items(JsonWriter *json, const Bottlenecks *bottlenecks);
/* Also part of study_json_analysis(), when the study was asked for them. */
void study_json_issues(JsonWriter *json, const WorkloadStudy *study);
void study_json_characteristics(JsonWriter *json, const WorkloadStudy *study, size_t most);

#endif
