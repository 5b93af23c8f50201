// SPDX-License-Identifier: PostgreSQL
#include "cli/report.h"

#include "cli/gaps.h"

#include "base/json_writer.h"

static void
json_effects(JsonWriter *json, Arena *arena, const char *key, const AdviceEffectList *effects)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < effects->count; i++) {
        const AdviceEffect *effect = &effects->items[i];
        json_object_begin(json);
        json_key_int(json, "query_hash", (int64_t)effect->statement->source->query_hash);
        json_key_string(json, "query", effect->statement->source->text);
        json_key_double(json, "calls", effect->statement->source->calls);
        json_key_double(json, "cost_before", effect->cost_before);
        json_key_double(json, "cost_after", effect->cost_after);
        json_key_double(json, "saved_ms", effect->saved_ms);
        json_key_bool(json, "generic_plan", effect->is_generic);
        json_key_string(json, "plan_before",
                        effect->plan_before == NULL ? NULL
                                                    : pg_plan_format(arena, effect->plan_before, true));
        json_key_string(json, "plan_after",
                        effect->plan_after == NULL ? NULL : pg_plan_format(arena, effect->plan_after, true));
        json_object_end(json);
    }
    json_array_end(json);
}

static void
json_recommendation(JsonWriter *json, Arena *arena, const Recommendation *recommendation)
{
    json_object_begin(json);
    json_key_int(json, "number", recommendation->number);
    json_key_string(json, "source_type", recommendation->advisor);
    json_key_string(json, "kind", recommendation->kind);
    json_key_string(json, "object_name", recommendation->object_name);
    json_key_string(json, "relation", recommendation->relation);
    json_key_string(json, "title", recommendation->title);
    json_key_string(json, "statement", recommendation->statement);
    json_key_string(json, "undo", recommendation->undo);
    json_key_string(json, "reason", recommendation->reason);
    json_key_string(json, "risk", advice_risk_word(recommendation->risk));
    json_key_double(json, "size_bytes", recommendation->size_bytes);
    json_key_double(json, "write_cost_percent", recommendation->write_cost_percent);
    json_key_double(json, "write_cost_low", recommendation->write_cost_low);
    json_key_double(json, "write_cost_high", recommendation->write_cost_high);
    json_key_double(json, "write_wal_bytes", recommendation->write_wal_bytes);
    json_key_double(json, "hot_updates_lost", recommendation->hot_updates_lost);
    json_key_double(json, "improvement_percent", recommendation->improvement_percent);
    json_key_double(json, "saved_ms", recommendation->saved_ms);
    json_effects(json, arena, "gains", &recommendation->gains);
    json_effects(json, arena, "losses", &recommendation->losses);
    json_key(json, "notes");
    json_array_begin(json);
    for (size_t i = 0; i < recommendation->note_count; i++)
        json_write_string(json, recommendation->notes[i]);
    json_array_end(json);
    json_object_end(json);
}

static void
json_workload(JsonWriter *json, const Workload *workload)
{
    json_key(json, "workload");
    json_object_begin(json);
    json_key_int(json, "statements", (int64_t)workload->count);
    json_key_int(json, "costed", (int64_t)workload->costed_count);
    json_key_int(json, "not_parsed", (int64_t)workload->unparsed_count);
    json_key_int(json, "utility", (int64_t)workload->utility_count);
    json_key_double(json, "covered_time_share", workload->covered_time_share);
    json_object_end(json);
}

static void
json_twin(JsonWriter *json, const Report *report)
{
    const Fidelity *fidelity = &report->fidelity;
    json_key(json, "twin");
    json_object_begin(json);
    json_key_int(json, "major", report->twin->twin_major);
    json_key_string(json, "method", twin_method_word(report->twin->method));
    json_key_bool(json, "refreshed", report->twin->was_refreshed);
    json_key_double(json, "build_ms", report->twin->build_ms);
    json_key_string(json, "rights", snapshot_rights_word(report->advice->snapshot->rights));
    json_key(json, "fidelity");
    if (report->has_fidelity) {
        json_object_begin(json);
        json_key_int(json, "compared", fidelity->compared);
        json_key_int(json, "same_plan", fidelity->same_shape);
        json_key_int(json, "identical", fidelity->identical);
        json_object_end(json);
    } else {
        json_write_null(json);
    }
    json_key(json, "losses");
    json_array_begin(json);
    for (size_t i = 0; i < report->twin->losses.count; i++) {
        json_object_begin(json);
        json_key_string(json, "object", report->twin->losses.items[i].object);
        json_key_string(json, "reason", report->twin->losses.items[i].reason);
        json_object_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void
json_rejections(JsonWriter *json, const RejectionList *rejections)
{
    json_key(json, "rejections");
    json_array_begin(json);
    for (size_t i = 0; i < rejections->count; i++) {
        json_object_begin(json);
        json_key_string(json, "source_type", rejections->items[i].advisor);
        json_key_string(json, "subject", rejections->items[i].subject);
        json_key_string(json, "reason", rejections->items[i].reason);
        json_key_double(json, "weight", rejections->items[i].weight);
        json_object_end(json);
    }
    json_array_end(json);
}

void
report_write_json(Text *text, const Report *report)
{
    const Advice *advice = report->advice;
    JsonWriter json = json_writer_new(text, true);
    json_object_begin(&json);
    json_key_int(&json, "format", 1);
    json_key_string(&json, "fettle", FETTLE_VERSION);
    json_key_string(&json, "target", report->source);
    json_key_string(&json, "database", advice->snapshot->database);
    json_key_string(&json, "server_version", advice->snapshot->server_version);
    json_key_bool(&json, "standby", advice->snapshot->is_standby);
    json_key_string(&json, "taken_at", advice->snapshot->taken_at);
    json_key_bool(&json, "adds_scans", !report->is_file && advice->snapshot->adds_scans);
    gaps_write_json(&json, "missing", advice->snapshot->gaps, advice->snapshot->gap_count);
    json_workload(&json, advice->workload);
    json_twin(&json, report);
    json_key_double(&json, "cost_before", advice->cost_before);
    json_key_double(&json, "cost_after", advice->cost_after);
    json_key_int(&json, "planner_questions", advice->questions.explains);
    json_key_double(&json, "gap_percent", advice->gap_percent);
    json_key_bool(&json, "cautious", advice->is_cautious);
    json_key_int(&json, "unreviewed_statements", (int64_t)advice->unreviewed_count);
    json_key_int(&json, "unreviewed_indexes", (int64_t)advice->unreviewed_index_count);
    json_key_int(&json, "unverified_statements", (int64_t)advice->unverified_count);
    json_key_int(&json, "solver_failures", advice->solver_failures);
    json_key_bool(&json, "stopped_early", advice->is_stopped_early);
    json_key_double(&json, "target_ms", report->target_ms);
    json_key_double(&json, "elapsed_ms", report->elapsed_ms);
    json_key(&json, "recommendations");
    json_array_begin(&json);
    for (size_t i = 0; i < advice->recommendations.count; i++)
        json_recommendation(&json, text->arena, advice->recommendations.items[i]);
    json_array_end(&json);
    json_rejections(&json, &advice->rejections);
    json_object_end(&json);
    text_append_char(text, '\n');
}
