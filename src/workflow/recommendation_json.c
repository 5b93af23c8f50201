// SPDX-License-Identifier: PostgreSQL
#include "workflow/recommendation_json.h"

void
recommendation_fields_write(JsonWriter *json, const RankedRecommendation *found)
{
    json_key_string(json, "source_type", found->source_type);
    json_key_string(json, "kind", found->kind);
    json_key_string(json, "recommendation_text", found->text);
    json_key_string(json, "detailed_explanation", found->explanation);
    json_key_double(json, "estimated_improvement_percent", found->improvement_percent);
    json_key_string(json, "improvement_basis", found->improvement_basis);
    json_key_double(json, "confidence_score", found->confidence);
    json_key_double(json, "urgency_score", found->urgency);
    json_key_double(json, "roi_score", found->roi);
    json_key_double(json, "expected_saving_ms_per_hour", found->saving_ms_per_hour);
    json_key_double(json, "expected_saving_low", found->saving_low);
    json_key_double(json, "expected_saving_high", found->saving_high);
    json_key_string(json, "implementation_complexity", found->complexity);
    json_key_bool(json, "is_dismissed", found->is_dismissed);
    json_key_string(json, "dismissal_reason", found->dismissal_reason);
    json_key_string(json, "planned_moment", found->planned_moment);
}
