// SPDX-License-Identifier: PostgreSQL
#include "workload/study_json.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define HOURS_OF_MONTH 720
#define STATEMENT_BYTES 300

static void
head_write(JsonWriter *json, const WorkloadStudy *study)
{
    json_object_begin(json);
    json_key_int(json, "connection_id", study->range.target_id);
}

static void
tail_write(JsonWriter *json, const WorkloadStudy *study)
{
    json_key_int(json, "analysis_period_days", study->range.days);
    json_key_string(json, "analyzed_at", clock_format_utc(json->text->arena, study->range.now_us));
    json_object_end(json);
}

/* When the oldest of the schemas was read that names are resolved against; null: none is kept. */
static void
schema_write(JsonWriter *json, const WorkloadStudy *study)
{
    const char *oldest = NULL;
    for (size_t i = 0; i < study->catalog_count; i++) {
        const char *taken_at = study->catalogs[i].snapshot->taken_at;
        if (taken_at[0] != '\0' && (oldest == NULL || strcmp(taken_at, oldest) < 0))
            oldest = taken_at;
    }
    json_key_string(json, "schema_read_at", oldest);
}

static void
numbers_write(JsonWriter *json, const char *key, const double *values, size_t count)
{
    if (key != NULL)
        json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        json_double(json, values[i]);
    json_array_end(json);
}

static void
texts_write(JsonWriter *json, const char *key, const TextList *texts)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < texts->count; i++)
        json_write_string(json, texts->items[i]);
    json_array_end(json);
}

void
study_json_advice(JsonWriter *json, const WorkloadStudy *study)
{
    const WorkloadAdviceList *list = &study->overview.advice;
    json_array_begin(json);
    for (size_t i = 0; i < list->count; i++) {
        json_object_begin(json);
        json_key_string(json, "type", list->items[i].type);
        json_key_string(json, "priority", list->items[i].priority);
        json_key_string(json, "title", list->items[i].title);
        json_key_string(json, "description", list->items[i].description);
        texts_write(json, "action_steps", &list->items[i].steps);
        json_key_string(json, "estimated_impact", list->items[i].impact);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
issue_statements_write(JsonWriter *json, const WorkloadStudy *study, const Issue *issue)
{
    json_key(json, "statements");
    json_array_begin(json);
    for (size_t i = 0; i < issue->statement_named; i++) {
        const WorkloadTemplate *template = &study->templates.items[issue->statements[i]];
        json_object_begin(json);
        json_key_int(json, "query_hash", template->query_hash);
        json_key_string(json, "query_text",
                        template->text == NULL
                            ? NULL
                            : template_label(json->text->arena, template->text, STATEMENT_BYTES));
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "statement_count", (int64_t)issue->statement_count);
}

static void
issue_write(JsonWriter *json, const WorkloadStudy *study, const Issue *issue)
{
    json_object_begin(json);
    json_key_string(json, "type", issue_type_word(issue->type));
    json_key_string(json, "severity", issue_severity_word(issue->severity));
    json_key_string(json, "database_name", issue->database_name);
    texts_write(json, "tables", &issue->tables);
    json_key_int(json, "table_count", (int64_t)issue->table_count);
    issue_statements_write(json, study, issue);
    json_key_double(json, "time_share", fmin(issue->time_share, 1));
    json_key_string(json, "figure", issue->figure);
    json_key_double(json, "value", issue->value);
    json_key_double(json, "threshold", issue->threshold);
    json_key_string(json, "description", issue->description);
    json_key_string(json, "action", issue->action);
    json_object_end(json);
}

static void
issues_write(JsonWriter *json, const WorkloadStudy *study)
{
    const Issues *issues = &study->issues;
    json_key(json, "issues");
    json_array_begin(json);
    for (size_t i = 0; i < issues->count; i++)
        issue_write(json, study, &issues->items[i]);
    json_array_end(json);
    json_key_int(json, "issue_count", (int64_t)issues->found_count);
    json_key(json, "issue_coverage");
    json_object_begin(json);
    json_key_int(json, "statements", (int64_t)issues->statement_count);
    json_key_int(json, "without_plan", (int64_t)issues->without_plan);
    json_key_int(json, "without_text", (int64_t)issues->without_text);
    json_key_int(json, "without_schema", (int64_t)issues->without_schema);
    json_key_int(json, "tables_unknown", (int64_t)issues->tables_unknown);
    json_key_bool(json, "has_all_relations", issues->has_all_relations);
    json_object_end(json);
}

void
study_json_issues(JsonWriter *json, const WorkloadStudy *study)
{
    head_write(json, study);
    issues_write(json, study);
    schema_write(json, study);
    tail_write(json, study);
}

void
study_json_analysis(JsonWriter *json, const WorkloadStudy *study)
{
    const Overview *overview = &study->overview;
    head_write(json, study);
    json_key_string(json, "workload_type", workload_type_word(overview->type));
    json_key(json, "peak_hours");
    json_array_begin(json);
    for (size_t i = 0; i < overview->peak_hour_count; i++)
        json_int(json, overview->peak_hours[i]);
    json_array_end(json);
    json_key_double(json, "avg_query_rate", overview->queries_per_hour);
    json_key_double(json, "avg_execution_time", overview->mean_ms);
    json_key_int(json, "total_queries", (int64_t)overview->query_count);
    json_key_int(json, "slow_queries_count", (int64_t)overview->slow_count);
    json_key_double(json, "slow_query_percentage", overview->slow_percent);
    json_key(json, "recommendations");
    study_json_advice(json, study);
    texts_write(json, "insights", &overview->insights);
    if ((study->range.parts & STUDY_ISSUES) != 0)
        issues_write(json, study);
    tail_write(json, study);
}

static void
periods_write(JsonWriter *json, const WorkloadStudy *study)
{
    Arena *arena = json->text->arena;
    const HourlySeries *series = &study->series;
    HourlySeries clean = series_clean(arena, series, series->from_hour + (int64_t)series->count - 1);
    Periods periods = period_detect(arena, clean.calls, clean.count);
    json_key(json, "seasonality");
    json_object_begin(json);
    json_key_double(json, "daily", period_autocorrelation(clean.calls, clean.count, SERIES_DAY_HOURS));
    json_key_double(json, "weekly",
                    period_autocorrelation(clean.calls, clean.count, SERIES_DAY_HOURS * SERIES_WEEK_DAYS));
    json_key_double(json, "monthly", period_autocorrelation(clean.calls, clean.count, HOURS_OF_MONTH));
    json_object_end(json);
    json_key(json, "periods"); /* null: too few hours to tell */
    if (periods.verdict != PERIOD_SEARCHED) {
        json_write_null(json);
        json_key_string(json, "period_hours_most", NULL);
        return;
    }
    json_array_begin(json);
    for (size_t i = 0; i < periods.count; i++) {
        json_object_begin(json);
        json_key_int(json, "hours", (int64_t)periods.hours[i]);
        json_key_double(json, "share", periods.share[i]);
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "period_hours_most", (int64_t)period_longest(clean.count));
}

static void
shifts_write(JsonWriter *json, const WorkloadShift *shifts, size_t count)
{
    json_key(json, "shifts");
    json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(json);
        json_key_string(json, "metric", shifts[i].metric);
        json_key_string(json, "since", clock_format_utc(json->text->arena, shifts[i].day * DAY_US));
        json_key_double(json, "change_percent", shifts[i].change * 100);
        json_key_string(json, "severity", shifts[i].severity);
        json_object_end(json);
    }
    json_array_end(json);
}

void
study_json_patterns(JsonWriter *json, const WorkloadStudy *study, const WorkloadPatterns *patterns)
{
    Profile profile = profile_of(&study->series);
    WorkloadShift shifts[2];
    size_t shift_count = shifts_find(json->text->arena, &study->series, shifts);
    head_write(json, study);
    numbers_write(json, "hourly", profile.hourly, SERIES_DAY_HOURS);
    numbers_write(json, "hourly_ms", profile.hourly_ms, SERIES_DAY_HOURS);
    numbers_write(json, "daily", profile.daily, SERIES_WEEK_DAYS);
    numbers_write(json, "monthly", profile.monthly, SERIES_MONTH_DAYS);
    json_key(json, "weekday_hours");
    json_array_begin(json);
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
        numbers_write(json, NULL, profile.weekly[day], SERIES_DAY_HOURS);
    json_array_end(json);
    periods_write(json, study);
    json_key(json, "patterns");
    json_array_begin(json);
    for (size_t i = 0; i < patterns->count; i++) {
        json_object_begin(json);
        json_key_string(json, "database_name", patterns->items[i].database_name);
        json_key_string(json, "pattern_type", patterns->items[i].pattern_type);
        json_key_string(json, "pattern_key", patterns->items[i].pattern_key);
        json_key_string(json, "description", patterns->items[i].description);
        json_key(json, "pattern_metadata");
        json_raw(json, patterns->items[i].pattern_metadata);
        json_object_end(json);
    }
    json_array_end(json);
    shifts_write(json, shifts, shift_count);
    tail_write(json, study);
}

static void
hash_write(JsonWriter *json, int64_t query_hash)
{
    json_key_int(json, "query_hash", query_hash);
}

static void
hot_object_write(JsonWriter *json, HotKind kind, const HotObject *object)
{
    json_object_begin(json);
    json_key_string(json, "database_name", object->database_name);
    json_key_string(json, "name", object->name);
    if (kind == HOT_STATEMENT)
        hash_write(json, object->query_hash);
    json_key_double(json, "time_ms", object->heat_ms);
    json_key_double(json, "share", object->share);
    json_key_double(json, "share_before", object->share_before);
    json_key_double(json, "change_percent", object->change * 100);
    json_key_string(json, "severity", object->severity);
    if (kind == HOT_TABLE)
        json_key_string(json, "evidence", object->evidence);
    json_key_int(json, "statements", (int64_t)object->statements);
    json_object_end(json);
}

void
study_json_hot(JsonWriter *json, const WorkloadStudy *study)
{
    static const char *const keys[HOT_KINDS] = {"tables", "columns", "joins", "statements"};
    const HotObjects *hot = &study->hot;
    head_write(json, study);
    for (int kind = 0; kind < HOT_KINDS; kind++) {
        json_key(json, keys[kind]);
        json_array_begin(json);
        for (size_t i = 0; i < hot->counts[kind]; i++)
            hot_object_write(json, (HotKind)kind, &hot->items[kind][i]);
        json_array_end(json);
    }
    json_key_double(json, "time_ms", hot->total_ms);
    json_key_double(json, "covered_share", hot->covered_share);
    json_key_double(json, "concentration", hot->concentration);
    json_key_bool(json, "is_guessed", hot->is_guessed);
    json_key_int(json, "unparsed_count", (int64_t)hot->unparsed_count);
    json_key_int(json, "unresolved_count", (int64_t)hot->unresolved_count);
    schema_write(json, study);
    tail_write(json, study);
}

/* Counts and shares of one kind of word over the statements. */
static void
summary_write(JsonWriter *json, const WorkloadStudy *study, const char *key, const char *const *words,
              size_t word_count, size_t field)
{
    const WorkloadTemplates *templates = &study->templates;
    double calls = 0;
    for (size_t i = 0; i < templates->count; i++)
        calls += templates->items[i].calls;
    json_key(json, key);
    json_array_begin(json);
    for (size_t w = 0; w < word_count; w++) {
        double sums[3] = {0};
        for (size_t i = 0; i < templates->count; i++) {
            const WorkloadClass *class = &study->classes[i];
            const char *values[] = {class->class, class->weight, class->cadence};
            if (!text_equals(values[field], words[w]))
                continue;
            sums[0]++;
            sums[1] += templates->items[i].calls;
            sums[2] += templates->items[i].total_ms;
        }
        json_object_begin(json);
        json_key_string(json, "name", words[w]);
        json_key_int(json, "statements", (int64_t)sums[0]);
        json_key_double(json, "share_of_calls", calls > 0 ? sums[1] / calls : 0);
        json_key_double(json, "share_of_time", templates->total_ms > 0 ? sums[2] / templates->total_ms : 0);
        json_object_end(json);
    }
    json_array_end(json);
}

void
study_json_classes(JsonWriter *json, const WorkloadStudy *study, size_t most)
{
    static const char *const classes[] = {"OLTP", "OLAP", "MIXED"};
    static const char *const weights[] = {"LIGHT", "MEDIUM", "HEAVY"};
    static const char *const cadences[] = {"AD_HOC", "SCHEDULED"};
    const WorkloadTemplates *templates = &study->templates;
    head_write(json, study);
    json_key(json, "summary");
    json_object_begin(json);
    summary_write(json, study, "class", classes, FETTLE_COUNT_OF(classes), 0);
    summary_write(json, study, "weight", weights, FETTLE_COUNT_OF(weights), 1);
    summary_write(json, study, "cadence", cadences, FETTLE_COUNT_OF(cadences), 2);
    json_object_end(json);
    json_key(json, "statements");
    json_array_begin(json);
    for (size_t i = 0; i < templates->count && i < most; i++) {
        const WorkloadTemplate *template = &templates->items[i];
        json_object_begin(json);
        hash_write(json, template->query_hash);
        json_key_string(json, "database_name", template->database_name);
        json_key_string(json, "query_text",
                        template->text == NULL
                            ? NULL
                            : template_label(json->text->arena, template->text, STATEMENT_BYTES));
        json_key_string(json, "class", study->classes[i].class);
        json_key_string(json, "weight", study->classes[i].weight);
        json_key_string(json, "cadence", study->classes[i].cadence);
        json_key_double(json, "oltp_signals", study->found[i].oltp_share);
        json_key_double(json, "olap_signals", study->found[i].olap_share);
        json_key_int(json, "calls", (int64_t) template->calls);
        json_key_double(json, "time_ms", template->total_ms);
        json_key_double(json, "mean_ms", template_mean_ms(template));
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "statement_count", (int64_t)templates->count);
    tail_write(json, study);
}

static void
example_write(JsonWriter *json, const WorkloadStudy *study, size_t place)
{
    const WorkloadTemplate *template = &study->templates.items[place];
    json_key_string(json, "example", template_label(json->text->arena, template->text, STATEMENT_BYTES));
    hash_write(json, template->query_hash);
}

static void
arrivals_write(JsonWriter *json, const WorkloadStudy *study)
{
    json_key(json, "arrivals");
    json_array_begin(json);
    for (size_t i = 0; i < study->arrivals.count; i++) {
        const ArrivalCluster *cluster = &study->arrivals.items[i];
        json_object_begin(json);
        json_key_int(json, "label", (int64_t)i);
        json_key_int(json, "size", (int64_t)cluster->size);
        json_key_double(json, "share_of_time", cluster->share);
        json_key_double(json, "calls_per_hour", cluster->calls_per_hour);
        numbers_write(json, "hourly", cluster->hourly, SERIES_DAY_HOURS);
        example_write(json, study, cluster->example);
        json_object_end(json);
    }
    json_array_end(json);
}

void
study_json_clusters(JsonWriter *json, const WorkloadStudy *study)
{
    const TemplateClusters *clusters = &study->clusters;
    head_write(json, study);
    json_key_string(json, "method", clusters->method == CLUSTER_KMEANS ? "kmeans" : "dbscan");
    json_key_double(json, "silhouette", clusters->silhouette);
    json_key_string(json, "note", clusters->note);
    json_key(json, "clusters");
    json_array_begin(json);
    for (size_t i = 0; i < clusters->count; i++) {
        const TemplateCluster *cluster = &clusters->items[i];
        json_object_begin(json);
        json_key_int(json, "label", cluster->label);
        json_key_int(json, "size", (int64_t)cluster->size);
        json_key_double(json, "share_of_time", cluster->share);
        json_key_string(json, "profile", cluster->profile);
        json_key_double(json, "mean_ms", cluster->mean_ms);
        json_key_double(json, "calls_per_hour", cluster->calls_per_hour);
        json_key_double(json, "rows_per_call", cluster->rows_per_call);
        json_key_double(json, "read_share", cluster->read_share);
        json_key_double(json, "variation", cluster->variation);
        example_write(json, study, cluster->example);
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "noise_count", (int64_t)clusters->noise_count);
    json_key(json, "labels");
    json_array_begin(json);
    for (size_t i = 0; i < study->templates.count; i++) {
        json_object_begin(json);
        hash_write(json, study->templates.items[i].query_hash);
        json_key_string(json, "database_name", study->templates.items[i].database_name);
        json_key_int(json, "label", clusters->labels[i]);
        json_key_int(json, "arrival_label", study->arrivals.labels[i]);
        json_object_end(json);
    }
    json_array_end(json);
    arrivals_write(json, study);
    tail_write(json, study);
}

void
study_json_bottleneck_items(JsonWriter *json, const Bottlenecks *bottlenecks)
{
    json_array_begin(json);
    for (size_t i = 0; i < bottlenecks->count; i++) {
        const Bottleneck *bottleneck = &bottlenecks->items[i];
        json_object_begin(json);
        json_key_string(json, "type", bottleneck->type);
        json_key_string(json, "severity", bottleneck->severity);
        json_key_string(json, "description", bottleneck->description);
        json_key_double(json, "load", bottleneck->load);
        json_key_double(json, "limit", bottleneck->limit);
        json_key(json, "evidence");
        json_array_begin(json);
        for (size_t e = 0; e < bottleneck->evidence_count; e++) {
            json_object_begin(json);
            json_key_string(json, "figure", bottleneck->evidence[e].figure);
            json_key_string(json, "unit", bottleneck->evidence[e].unit);
            json_key_double(json, "busy", bottleneck->evidence[e].busy);
            json_key_double(json, "otherwise", bottleneck->evidence[e].otherwise);
            json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
    }
    json_array_end(json);
}

void
study_json_bottlenecks(JsonWriter *json, const WorkloadStudy *study)
{
    const Bottlenecks *bottlenecks = &study->bottlenecks;
    head_write(json, study);
    json_key(json, "bottlenecks");
    study_json_bottleneck_items(json, bottlenecks);
    json_key(json, "resources");
    json_array_begin(json);
    for (int resource = 0; resource < BOTTLENECK_RESOURCES; resource++) {
        json_object_begin(json);
        json_key_string(json, "type", bottleneck_resource_word((BottleneckResource)resource));
        json_key_double(json, "load", bottlenecks->loads[resource]);
        json_key_double(json, "limit", bottlenecks->limits[resource]);
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "busy_hours", (int64_t)bottlenecks->busy_hours);
    json_key_string(json, "note", bottlenecks->note);
    tail_write(json, study);
}

void
study_json_characteristics(JsonWriter *json, const WorkloadStudy *study, size_t most)
{
    const Characteristics *found = &study->characteristics;
    head_write(json, study);
    json_key(json, "columns");
    json_array_begin(json);
    for (size_t i = 0; i < found->count && i < most; i++) {
        const ColumnCharacteristic *column = &found->items[i];
        json_object_begin(json);
        json_key_string(json, "database_name", column->database_name);
        json_key_string(json, "schema_name", column->schema);
        json_key_string(json, "table_name", column->table);
        json_key_string(json, "column_name", column->column);
        json_key_string(json, "type", column->type);
        json_key_double(json, "rows", column->row_count);
        json_key_double(json, "distinct", column->distinct_count);
        json_key_double(json, "null_share", column->null_share);
        json_key_double(json, "width_bytes", column->width_bytes);
        json_key_double(json, "skew", column->skew);
        json_key_double(json, "most_common_share", column->common_share);
        json_key_double(json, "correlation", column->correlation);
        json_key(json, "has_histogram");
        if (column->has_histogram < 0)
            json_write_null(json);
        else
            json_bool(json, column->has_histogram == 1);
        json_key_double(json, "estimate_error", column->estimate_error);
        json_key_int(json, "estimates", (int64_t)column->estimate_count);
        json_key_string(json, "severity", column->severity);
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "column_count", (int64_t)found->count);
    json_key_int(json, "unknown_count", (int64_t)found->unknown_count);
    schema_write(json, study);
    tail_write(json, study);
}
