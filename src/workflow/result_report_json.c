// SPDX-License-Identifier: PostgreSQL
/*
 * The report as JSON, for the API and the command line: what is not known is null.
 */
#include "workflow/result_report.h"

static void
share_write(JsonWriter *json, const ResultShare *share)
{
    json_key_int(json, "count", share->count);
    json_key_int(json, "held", share->held);
    json_key_double(json, "share", share->share);
    json_key_double(json, "low", share->low);
    json_key_double(json, "high", share->high);
    json_key_bool(json, "is_enough", !share->is_thin);
}

static void
kind_write(JsonWriter *json, const ResultKind *kind)
{
    json_object_begin(json);
    json_key_string(json, "source_type", kind->source_type[0] == '\0' ? NULL : kind->source_type);
    json_key_string(json, "kind", kind->kind[0] == '\0' ? NULL : kind->kind);
    share_write(json, &kind->success);
    json_key_int(json, "failed", kind->failed);
    json_key_double(json, "predicted_percent", kind->predicted_percent);
    json_key_double(json, "actual_percent", kind->actual_percent);
    json_key_double(json, "actual_low", kind->actual_low);
    json_key_double(json, "actual_high", kind->actual_high);
    json_key_double(json, "accuracy", kind->accuracy);
    json_key_double(json, "factor", kind->factor);
    json_object_end(json);
}

static void
calibration_write(JsonWriter *json, const ResultReport *report)
{
    json_key(json, "calibration");
    json_array_begin(json);
    for (size_t i = 0; i < RESULT_REPORT_BINS; i++) {
        json_object_begin(json);
        json_key_double(json, "from", report->bins[i].from);
        json_key_double(json, "to", report->bins[i].to);
        json_key_double(json, "stated", report->bins[i].stated);
        share_write(json, &report->bins[i].held);
        json_object_end(json);
    }
    json_array_end(json);
}

void
result_report_json(JsonWriter *json, const ResultReport *report)
{
    json_key(json, "kinds");
    json_array_begin(json);
    for (size_t i = 0; i < report->kind_count; i++)
        kind_write(json, &report->kinds[i]);
    json_array_end(json);
    json_key(json, "all");
    kind_write(json, &report->all);
    calibration_write(json, report);
}
