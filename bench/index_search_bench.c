// SPDX-License-Identifier: PostgreSQL
/*
 * Runs the index search, and beside it Extend, over the twin of a snapshot; bench/index_search.py drives it.
 *
 *     index_search_bench SNAPSHOT DATA_DIRECTORY
 *
 * Each line of standard input is a run, "ALGORITHM CANDIDATES WIDTH BUDGET_MB SIZES PROOF_PERCENT SECONDS":
 * "ours" or "extend"; "permuted" (every order of the columns that a statement reads), "clauses" (as `fettle
 * advise` makes them) or "plain" (of these the B-trees over no more columns than the width, INCLUDE counted);
 * a budget of 0 is none, an MB has 1,000,000 bytes; sizes "twin" or "hypopg". Each run has a WhatIf of its
 * own, so none profits from another's answers, and answers with one line of JSON. Every statement weighs 1,
 * writes cost nothing, and any gain counts.
 */
#include "index_extend.h"

#include "advise/index/permutation.h"
#include "advise/index/search.h"
#include "base/json_writer.h"
#include "snapshot/file.h"
#include "store/cluster.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARENA_BYTES ((size_t)8 << 30)
#define MB 1e6

typedef struct Run {
    char algorithm[16];
    char candidates[16];
    int width;
    double budget_mb;
    char sizes[16];
    double proof_percent;
    double seconds;
} Run;

typedef struct Outcome {
    Bits chosen;
    double *size_bytes; /* by candidate, as the algorithm saw them */
    double cost_before;
    double cost_after; /* asked directly */
    double wall_s;
    double cpu_s; /* of this process, which solves the 0/1 programs too; its cluster's is the caller's */
    SearchImprovementList improvements; /* of Extend none */
    double gap_percent;
    int solver_failures;
    const char *solver_reason; /* NULL: none failed */
    bool is_stopped_early;
} Outcome;

static void
must(bool done, const Error *error)
{
    if (done)
        return;
    fprintf(stderr, "index_search_bench: %s\n", error->message);
    exit(1);
}

static double
cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* Bytes of a column's values as HypoPG takes them: a fixed length, else what ANALYZE found. */
static double
hypopg_column_bytes(const SnapshotRelation *relation, int attnum)
{
    const SnapshotColumn *column = &relation->columns[attnum - 1];
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    if (column->length_bytes > 0)
        return column->length_bytes;
    return statistics == NULL ? 32 : floor(statistics->average_width_bytes);
}

/*
 * HypoPG 1.3.1, hypo_estimate_index(): each line has its columns' widths, an IndexTupleData (8 bytes) a
 * column and an aligned ItemIdData (4 bytes) a column, on pages of 8192 − 24 − 16 bytes, with 30 % more for
 * the fill factor and for bloat.
 */
static double
size_by_hypopg(const Candidate *candidate, const void *context)
{
    (void)context;
    double columns = (double)(candidate->key_count + candidate->included.count);
    double width = 0;
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum > 0)
            width += hypopg_column_bytes(candidate->relation, candidate->keys[i].attnum);
    for (size_t i = 0; i < candidate->included.count; i++)
        width += hypopg_column_bytes(candidate->relation, candidate->included.items[i]);
    double line = width + 8 * columns + 8 * ceil(4 * columns / 8);
    return floor(candidate->relation->reltuples * line * 1.3 / (8192 - 24 - 16)) * 8192;
}

/* Of the candidates those that are B-trees over up to that many columns, INCLUDE counted. */
static const CandidateSet *
plain_only(const AdvisorContext *context, const CandidateSet *all, size_t columns_most)
{
    Arena *arena = context->arena;
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    size_t *numbers = ARENA_NEW_ARRAY(arena, size_t, all->count);
    set->items = ARENA_NEW_ARRAY(arena, Candidate *, all->count);
    for (size_t i = 0; i < all->count; i++) {
        Candidate *candidate = all->items[i];
        bool is_plain = candidate->method == CANDIDATE_BTREE && candidate->predicate == NULL &&
                        candidate->key_count + candidate->included.count <= columns_most;
        for (size_t k = 0; k < candidate->key_count; k++)
            is_plain = is_plain && candidate->keys[k].expression == NULL;
        numbers[i] = is_plain ? set->count : SIZE_MAX;
        if (is_plain) {
            candidate->number = set->count;
            set->items[set->count++] = candidate;
        }
    }
    size_t statements = context->workload->count;
    set->relevant = arena_alloc_array(arena, statements, sizeof(*set->relevant));
    for (size_t q = 0; q < statements; q++) {
        const struct CandidateNumbers *relevant = &all->relevant[q];
        set->relevant[q].numbers = ARENA_NEW_ARRAY(arena, size_t, relevant->count);
        for (size_t i = 0; i < relevant->count; i++)
            if (numbers[relevant->numbers[i]] != SIZE_MAX)
                set->relevant[q].numbers[set->relevant[q].count++] = numbers[relevant->numbers[i]];
    }
    return set;
}

static const CandidateSet *
candidates_of(const Run *run, const AdvisorContext *context)
{
    if (strcmp(run->candidates, "permuted") == 0)
        return candidates_permute(context->arena, context, (size_t)run->width);
    Advice *advice = ARENA_NEW(context->arena, Advice);
    advice->arena = context->arena;
    const CandidateSet *all = candidates_generate(context->arena, context, advice);
    return strcmp(run->candidates, "plain") == 0 ? plain_only(context, all, (size_t)run->width) : all;
}

static void
run_ours(const Run *run, const AdvisorContext *context, const CandidateSet *candidates, Outcome *outcome)
{
    Oracle *oracle = oracle_new(context->arena, context, candidates);
    if (strcmp(run->sizes, "hypopg") == 0)
        oracle_size_by(oracle, size_by_hypopg, NULL);
    SearchResult result;
    Error error = {0};
    must(index_search(context->arena, context, candidates, oracle, &result, &error), &error);
    outcome->chosen = result.chosen;
    outcome->improvements = result.improvements;
    outcome->gap_percent = result.gap_percent;
    outcome->solver_failures = result.solver_failures;
    outcome->solver_reason = result.solver_reason;
    outcome->is_stopped_early = result.is_stopped_early;
}

static void
run_extend(const Run *run, const AdvisorContext *context, const CandidateSet *candidates, Outcome *outcome)
{
    ExtendOptions options = {.width = (size_t)run->width, .budget_bytes = context->budget_bytes};
    if (strcmp(run->sizes, "hypopg") == 0)
        options.size_bytes = size_by_hypopg;
    Error error = {0};
    outcome->gap_percent = NAN;
    must(index_extend(context, candidates, &options, &outcome->chosen, &error), &error);
    outcome->is_stopped_early = deadline_passed(context->deadline);
}

static void
write_indexes(JsonWriter *json, const CandidateSet *candidates, const Outcome *outcome)
{
    Bits chosen = outcome->chosen;
    json_key(json, "indexes");
    json_array_begin(json);
    for (size_t i = bits_next(chosen, 0); i != SIZE_MAX; i = bits_next(chosen, i + 1)) {
        const Candidate *candidate = candidates->items[i];
        json_object_begin(json);
        json_key_string(json, "table", candidate->relation->name);
        json_key_string(json, "statement", candidate->whatif_statement);
        json_key_double(json, "size_bytes", outcome->size_bytes[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
write_improvements(JsonWriter *json, const SearchImprovementList *improvements)
{
    json_key(json, "improvements");
    json_array_begin(json);
    for (size_t i = 0; i < improvements->count; i++) {
        json_object_begin(json);
        json_key_double(json, "cost", improvements->items[i].value);
        json_key_int(json, "questions", improvements->items[i].questions);
        json_key_double(json, "wall_s", (double)improvements->items[i].us / 1e6);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
write_outcome(Arena *arena, const CandidateSet *candidates, const Outcome *outcome, WhatIfStatistics asked)
{
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    double bytes = 0;
    for (size_t i = bits_next(outcome->chosen, 0); i != SIZE_MAX; i = bits_next(outcome->chosen, i + 1))
        bytes += outcome->size_bytes[i];
    json_object_begin(&json);
    json_key_double(&json, "cost_before", outcome->cost_before);
    json_key_double(&json, "cost_after", outcome->cost_after);
    json_key_double(&json, "size_bytes", bytes);
    json_key_int(&json, "candidates", (int64_t)candidates->count);
    json_key_int(&json, "questions", asked.questions);
    json_key_int(&json, "explains", asked.explains);
    json_key_int(&json, "index_creations", asked.index_creations);
    json_key_double(&json, "wall_s", outcome->wall_s);
    json_key_double(&json, "cpu_s", outcome->cpu_s);
    json_key(&json, "gap_percent");
    if (isnan(outcome->gap_percent))
        json_write_null(&json);
    else
        json_double(&json, outcome->gap_percent);
    json_key_int(&json, "solver_failures", outcome->solver_failures);
    json_key_string(&json, "solver_reason", outcome->solver_reason);
    json_key_bool(&json, "stopped_early", outcome->is_stopped_early);
    write_improvements(&json, &outcome->improvements);
    write_indexes(&json, candidates, outcome);
    json_object_end(&json);
    printf("%s\n", text.data);
    fflush(stdout);
}

/* Every statement weighs 1. */
static double
weigh(Workload *workload)
{
    workload->weighted_cost = 0;
    workload->has_times = false;
    for (size_t q = 0; q < workload->count; q++) {
        workload->statements[q].weight = 1;
        if (workload->statements[q].is_costed)
            workload->weighted_cost += workload->statements[q].baseline_cost;
    }
    return workload->weighted_cost;
}

static double
cost_under(const AdvisorContext *context, const CandidateSet *candidates, Bits chosen)
{
    Oracle *oracle = oracle_new(context->arena, context, candidates);
    double sum = 0;
    Error error = {0};
    for (size_t q = 0; q < context->workload->count; q++) {
        WhatIfAnswer answer;
        if (!context->workload->statements[q].is_costed)
            continue;
        /* all chosen count, also those that were not thought of for it */
        for (size_t i = bits_next(chosen, 0); i != SIZE_MAX; i = bits_next(chosen, i + 1))
            oracle_relevant_add(oracle, q, i);
        must(oracle_plan(oracle, q, chosen, &answer, NULL, &error), &error);
        sum += answer.cost;
    }
    return sum;
}

static void
run_one(const Run *run, Twin *twin, const Snapshot *snapshot)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index search", ARENA_BYTES);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    Error error = {0};
    Settings *settings = settings_new(arena);
    must(settings_set(settings, "advise.gain_percent", "0", &error) &&
             settings_set(settings, "advise.index_percent", "0", &error) &&
             settings_set(settings, "advise.spare_percent", "0", &error) &&
             settings_set(settings, "advise.proof_percent", arena_printf(arena, "%g", run->proof_percent),
                          &error),
         &error);
    AdvisorContext context = {.arena = arena, .snapshot = snapshot, .settings = settings};
    context.budget_bytes = run->budget_mb > 0 ? run->budget_mb * MB : INFINITY;
    WorkloadOptions options = {0};
    must(whatif_over_twin(arena, twin, &whatif, &error), &error);
    const char *sessions = getenv("INDEX_SEARCH_SESSIONS");
    whatif_set_sessions(whatif, sessions == NULL ? 0 : (int)strtol(sessions, NULL, 10));
    must(workload_prepare(arena, snapshot, whatif, &options, &context.workload, &error), &error);
    context.whatif = whatif;
    Outcome outcome = {.cost_before = weigh((Workload *)context.workload)};
    const CandidateSet *candidates = candidates_of(run, &context);
    WhatIfStatistics before = whatif_statistics(whatif);
    int64_t start_us = clock_monotonic_us();
    double start_cpu = cpu_seconds();
    context.deadline = deadline_after_ms((int64_t)(run->seconds * 1000));
    if (strcmp(run->algorithm, "ours") == 0)
        run_ours(run, &context, candidates, &outcome);
    else
        run_extend(run, &context, candidates, &outcome);
    outcome.wall_s = (double)(clock_monotonic_us() - start_us) / 1e6;
    outcome.cpu_s = cpu_seconds() - start_cpu;
    WhatIfStatistics asked = whatif_statistics(whatif);
    asked.questions -= before.questions;
    asked.explains -= before.explains;
    asked.index_creations -= before.index_creations;
    outcome.size_bytes = ARENA_NEW_ARRAY(arena, double, candidates->count + 1);
    for (size_t i = 0; i < candidates->count; i++)
        outcome.size_bytes[i] = candidates->items[i]->size_bytes;
    outcome.cost_after = cost_under(&context, candidates, outcome.chosen);
    write_outcome(arena, candidates, &outcome, asked);
}

int
main(int argument_count, char **arguments)
{
    if (argument_count != 3) {
        fprintf(stderr, "usage: index_search_bench SNAPSHOT DATA_DIRECTORY\n");
        return 2;
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bench", ARENA_BYTES);
    FETTLE_CLEANUP(cluster_close_at) Cluster *cluster = NULL;
    FETTLE_CLEANUP(twin_close_at) Twin *twin = NULL;
    const Snapshot *snapshot;
    Error error = {0};
    ClusterOptions cluster_options = {.data_directory = arguments[2]};
    TwinOptions twin_options = {0};
    must(snapshot_file_read(arena, arguments[1], &snapshot, &error) &&
             cluster_open(&cluster_options, &cluster, &error) &&
             twin_open(arena, cluster, snapshot, &twin_options, &twin, &error),
         &error);
    Run run;
    while (scanf("%15s %15s %d %lf %15s %lf %lf", run.algorithm, run.candidates, &run.width, &run.budget_mb,
                 run.sizes, &run.proof_percent, &run.seconds) == 7)
        run_one(&run, twin, snapshot);
    return 0;
}
