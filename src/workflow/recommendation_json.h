// SPDX-License-Identifier: PostgreSQL
/*
 * A recommendation's own words and figures as members of a JSON object, the same for the API and the command
 * line; what each names beside them (its number, its target, its times) is theirs. A figure that is not known
 * is null.
 *
 *     json_object_begin(&json);
 *     json_key_int(&json, "id", found->id);
 *     recommendation_fields_write(&json, found);
 *     json_object_end(&json);
 */
#ifndef FETTLE_WORKFLOW_RECOMMENDATION_JSON_H
#define FETTLE_WORKFLOW_RECOMMENDATION_JSON_H

#include "base/json_writer.h"
#include "store/recommendation.h"

/* source_type, kind, recommendation_text, detailed_explanation, estimated_improvement_percent,
 * improvement_basis, confidence_score, urgency_score, roi_score, expected_saving_ms_per_hour,
 * expected_saving_low, expected_saving_high, implementation_complexity, is_dismissed, dismissal_reason,
 * planned_moment. */
void recommendation_fields_write(JsonWriter *json, const RankedRecommendation *found);

#endif
