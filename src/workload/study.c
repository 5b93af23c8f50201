// SPDX-License-Identifier: PostgreSQL
#include "workload/study.h"

#include "base/map.h"
#include "snapshot/file.h"
#include "store/target_snapshot.h"
#include "workload/refresh.h"

#include <inttypes.h>
#include <math.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define DAY_HOURS 24
#define CLUSTER_SEED 1
#define SEQUENTIAL_ROWS 10000.0
#define READ_FACTOR 1000.0

static const char *
key_of(Arena *arena, const char *database_name, int64_t query_hash)
{
    return arena_printf(arena, "%" PRId64 " %s", query_hash, database_name == NULL ? "" : database_name);
}

static bool
series_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    const StudyRange *range = &study->range;
    PatternRefresh what = {.target_ids = &range->target_id,
                           .target_count = 1,
                           .database_name = range->database_name,
                           .lookback_days = range->days,
                           .now_us = range->now_us};
    if (!series_read(session, arena, &what, &study->databases, &study->database_count, error))
        return false;
    study->series = series_sum(arena, study->databases, study->database_count);
    study->series.target_id = range->target_id;
    return true;
}

/* The window, or the one before it. */
static bool
templates_part(PgConnection *session, Arena *arena, const StudyRange *range, bool is_before,
               WorkloadTemplates *ret_templates, Error *error)
{
    int64_t to_us = (range->now_us / HOUR_US + 1) * HOUR_US;
    int64_t length_us = ((int64_t)range->days * DAY_HOURS + 1) * HOUR_US;
    TemplateRange templates = {.target_id = range->target_id,
                               .database_name = range->database_name,
                               .from_us = to_us - length_us * (is_before ? 2 : 1),
                               .to_us = is_before ? to_us - length_us : to_us,
                               .with_history = !is_before};
    return templates_read(session, arena, &templates, ret_templates, error);
}

/* The snapshots that are kept of the databases that have statements here. */
static bool
catalogs_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    Map *names = map_new(arena);
    for (size_t i = 0; i < study->database_count; i++)
        map_put(names, study->databases[i].database_name, study);
    for (size_t i = 0; i < study->templates.count; i++)
        if (study->templates.items[i].database_name != NULL)
            map_put(names, study->templates.items[i].database_name, study);
    study->catalogs = ARENA_NEW_ARRAY(arena, FactCatalog, map_count(names));
    for (size_t i = 0; i < map_count(names); i++) {
        TargetSnapshot kept;
        SnapshotSections *sections;
        const Snapshot *snapshot;
        if (!target_snapshot_read(session, arena, study->range.target_id, map_key_at(names, i), &kept, error))
            return false;
        if (kept.data == NULL)
            continue;
        if (!snapshot_decode_bytes(arena, kept.data, kept.size_bytes, &sections, error) ||
            !snapshot_decode(arena, sections, &snapshot, error))
            return error_prefix(error, "the kept snapshot of database \"%s\"", map_key_at(names, i));
        study->catalogs[study->catalog_count++] =
            (FactCatalog){.database_name = map_key_at(names, i), .snapshot = snapshot};
    }
    return true;
}

static ClassEvidence
evidence_of(const WorkloadStudy *study, size_t place)
{
    const WorkloadTemplate *template = &study->templates.items[place];
    ClassEvidence evidence = {.facts = &study->facts[place], .reads_much = -1, .scans_sequentially = -1};
    const PlanFacts *plan = plan_facts_find(&study->plans, template->database_name, template->query_hash);
    if (plan == NULL)
        return evidence;
    evidence.scans_sequentially = plan->rows_sequential > SEQUENTIAL_ROWS;
    evidence.reads_much = plan->rows_read > READ_FACTOR * fmax(plan->rows_returned, 1);
    return evidence;
}

static bool
classes_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    WorkloadClasses kept;
    size_t count = study->templates.count;
    if (!workload_classes_read(session, arena, study->range.target_id, study->range.database_name, &kept,
                               error))
        return false;
    Map *before = map_new(arena);
    for (size_t i = 0; i < kept.count; i++)
        map_put(before, key_of(arena, kept.items[i].database_name, kept.items[i].query_hash), &kept.items[i]);
    study->found = ARENA_NEW_ARRAY(arena, ClassFound, count);
    study->classes = ARENA_NEW_ARRAY(arena, WorkloadClass, count);
    for (size_t i = 0; i < count; i++) {
        const WorkloadTemplate *template = &study->templates.items[i];
        ClassEvidence evidence = evidence_of(study, i);
        study->found[i] = class_find(arena, template, &study->templates, &evidence);
        study->classes[i] =
            class_settle(map_get(before, key_of(arena, template->database_name, template->query_hash)),
                         template, &study->found[i]);
    }
    return true;
}

/* Facts of the window before: those of now for the same statements; the others' are read. */
static void
facts_before_find(Arena *arena, const WorkloadStudy *study, const WorkloadTemplates *before,
                  StatementFacts **ret_facts)
{
    Map *places = map_new(arena);
    for (size_t i = 0; i < study->templates.count; i++)
        map_put(places,
                key_of(arena, study->templates.items[i].database_name, study->templates.items[i].query_hash),
                &study->facts[i]);
    StatementFacts *facts = ARENA_NEW_ARRAY(arena, StatementFacts, before->count);
    size_t *unknown = ARENA_NEW_ARRAY(arena, size_t, before->count);
    WorkloadTemplates others = {.items = ARENA_NEW_ARRAY(arena, WorkloadTemplate, before->count)};
    for (size_t i = 0; i < before->count; i++) {
        const WorkloadTemplate *template = &before->items[i];
        const StatementFacts *known =
            map_get(places, key_of(arena, template->database_name, template->query_hash));
        if (known != NULL) {
            facts[i] = *known;
            continue;
        }
        unknown[others.count] = i;
        others.items[others.count++] = *template;
    }
    StatementFacts *read;
    facts_read(arena, &others, study->catalogs, study->catalog_count, &read);
    for (size_t i = 0; i < others.count; i++)
        facts[unknown[i]] = read[i];
    *ret_facts = facts;
}

static bool
hot_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    WorkloadTemplates before = {0};
    StatementFacts *facts_before = NULL;
    if (!templates_part(session, arena, &study->range, true, &before, error))
        return false;
    facts_before_find(arena, study, &before, &facts_before);
    HotInput input = {.now = &study->templates,
                      .facts = study->facts,
                      .before = before.count == 0 ? NULL : &before,
                      .facts_before = facts_before,
                      .plans = &study->plans};
    hot_find(arena, &input, HOT_MOST, &study->hot);
    return true;
}

static bool
clusters_part(Arena *arena, WorkloadStudy *study, Error *error)
{
    ClusterOptions options = study->range.clusters;
    options.seed = CLUSTER_SEED;
    if (!clusters_find(arena, &study->templates, &options, &study->clusters, error))
        return false;
    arrivals_find(arena, &study->templates, &study->arrivals);
    return true;
}

static bool
bottlenecks_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    BottleneckInput input;
    if (!bottleneck_input_read(session, arena, &study->series, &study->templates, &input, error))
        return false;
    bottlenecks_find(arena, &input, &study->bottlenecks);
    return true;
}

static void
overview_part(Arena *arena, WorkloadStudy *study)
{
    OverviewInput input = {.series = &study->series,
                           .templates = &study->templates,
                           .classes = study->found,
                           .bottlenecks = &study->bottlenecks};
    overview_make(arena, &input, &study->overview);
}

static bool
issues_part(PgConnection *session, Arena *arena, WorkloadStudy *study, Error *error)
{
    IssueSource source = {.target_id = study->range.target_id,
                          .schemas = study->catalogs,
                          .schema_count = study->catalog_count};
    IssueInput input = {.templates = &study->templates,
                        .facts = study->facts,
                        .plans = &study->plans,
                        .now_us = study->range.now_us};
    if (!issue_input_read(session, arena, &source, &study->issue_catalog, &input, error))
        return false;
    issues_find(arena, &input, &study->issues);
    return true;
}

bool
study_read(PgConnection *session, Arena *arena, const StudyRange *range, WorkloadStudy *ret_study,
           Error *error)
{
    fettle_assert(range->days >= STUDY_DAYS_LEAST && range->days <= STUDY_DAYS_MOST);
    WorkloadStudy study = {.range = *range};
    unsigned parts = range->parts;
    const unsigned of_texts = STUDY_OVERVIEW | STUDY_HOT | STUDY_CLASSES | STUDY_ISSUES;
    bool is_good = series_part(session, arena, &study, error);
    if (is_good && (parts & ~(unsigned)STUDY_SERIES) != 0)
        is_good = templates_part(session, arena, range, false, &study.templates, error);
    if (is_good && (parts & (of_texts | STUDY_CHARACTERISTICS)) != 0)
        is_good = catalogs_part(session, arena, &study, error) &&
                  plan_book_read(session, arena, range->target_id, &study.plans, error);
    if (is_good && (parts & of_texts) != 0)
        facts_read(arena, &study.templates, study.catalogs, study.catalog_count, &study.facts);
    if (is_good && (parts & (STUDY_OVERVIEW | STUDY_CLASSES)) != 0)
        is_good = classes_part(session, arena, &study, error);
    if (is_good && (parts & (STUDY_OVERVIEW | STUDY_BOTTLENECKS)) != 0)
        is_good = bottlenecks_part(session, arena, &study, error);
    if (is_good && (parts & STUDY_OVERVIEW) != 0)
        overview_part(arena, &study);
    if (is_good && (parts & STUDY_HOT) != 0)
        is_good = hot_part(session, arena, &study, error);
    if (is_good && (parts & STUDY_CLUSTERS) != 0)
        is_good = clusters_part(arena, &study, error);
    for (size_t i = 0; is_good && (parts & STUDY_CHARACTERISTICS) != 0 && i < study.catalog_count; i++)
        characteristics_find(arena, study.catalogs[i].database_name, study.catalogs[i].snapshot, &study.plans,
                             &study.characteristics);
    if (is_good && (parts & STUDY_ISSUES) != 0)
        is_good = issues_part(session, arena, &study, error);
    *ret_study = study;
    return is_good;
}

bool
study_classes_keep(PgConnection *session, const WorkloadStudy *study, Error *error)
{
    WorkloadClasses classes = {.items = study->classes, .count = study->templates.count};
    return classes.count == 0 || workload_classes_write(session, study->range.target_id, &classes, error);
}
