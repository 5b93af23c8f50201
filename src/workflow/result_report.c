// SPDX-License-Identifier: PostgreSQL
#include "workflow/result_report.h"

#include "math/distribution.h"
#include "math/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WILSON_Z 1.96
#define TAIL 0.025

static bool
is_measured(const ImplementationOutcome *outcome)
{
    return strcmp(outcome->status, "failed") != 0 && !isnan(outcome->actual_percent);
}

static bool
has_held(const ImplementationOutcome *outcome)
{
    return strcmp(outcome->status, "implemented") == 0;
}

static void
share_finish(ResultShare *share)
{
    size_t count = (size_t)share->count;
    size_t held = (size_t)share->held;
    share->is_thin = share->count < RESULT_REPORT_ENOUGH;
    share->share = count == 0 ? NAN : (double)held / (double)count;
    share->low = count == 0 ? NAN : statistics_wilson_lower(held, count, WILSON_Z);
    share->high = count == 0 ? NAN : 1 - statistics_wilson_lower(count - held, count, WILSON_Z);
}

static double
mean_or_nan(const double *values, size_t count)
{
    return count == 0 ? NAN : statistics_mean(values, count);
}

/* The factor of all when it is one. */
static double
factor_of(const ImplementationOutcome *outcomes, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (outcomes[i].target_id != outcomes[0].target_id)
            return NAN;
    return count == 0 ? NAN : outcomes[0].factor;
}

static ResultKind
kind_of(Arena *arena, const ImplementationOutcome *outcomes, size_t count)
{
    double *predicted = ARENA_NEW_ARRAY(arena, double, count + 1);
    double *actual = ARENA_NEW_ARRAY(arena, double, count + 1);
    double *accuracy = ARENA_NEW_ARRAY(arena, double, count + 1);
    size_t pairs = 0;
    size_t accuracies = 0;
    ResultKind kind = {.source_type = "", .kind = "", .actual_low = NAN, .actual_high = NAN, .factor = NAN};
    for (size_t i = 0; i < count; i++) {
        kind.failed += strcmp(outcomes[i].status, "failed") == 0;
        if (!is_measured(&outcomes[i]))
            continue;
        kind.success.count++;
        kind.success.held += has_held(&outcomes[i]);
        if (!isnan(outcomes[i].accuracy))
            accuracy[accuracies++] = outcomes[i].accuracy;
        if (isnan(outcomes[i].predicted_percent))
            continue;
        predicted[pairs] = outcomes[i].predicted_percent;
        actual[pairs++] = outcomes[i].actual_percent;
    }
    share_finish(&kind.success);
    kind.predicted_percent = mean_or_nan(predicted, pairs);
    kind.actual_percent = mean_or_nan(actual, pairs);
    kind.accuracy = mean_or_nan(accuracy, accuracies);
    if (pairs >= 2) {
        double half = distribution_student_quantile(TAIL, (double)(pairs - 1)) *
                      statistics_deviation_sample(actual, pairs) / sqrt((double)pairs);
        kind.actual_low = kind.actual_percent - half;
        kind.actual_high = kind.actual_percent + half;
    }
    return kind;
}

static int
compare_kind(const void *one, const void *other)
{
    const ImplementationOutcome *left = one;
    const ImplementationOutcome *right = other;
    int order = strcmp(left->source_type, right->source_type);
    return order != 0 ? order : strcmp(left->kind, right->kind);
}

static void
bins_fill(ResultBin *bins, const ImplementationOutcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double stated = outcomes[i].confidence;
        if (!is_measured(&outcomes[i]) || !(stated >= 0 && stated <= 1))
            continue;
        size_t place = (size_t)(stated * RESULT_REPORT_BINS);
        ResultBin *bin = &bins[place < RESULT_REPORT_BINS ? place : RESULT_REPORT_BINS - 1];
        bin->held.count++;
        bin->held.held += has_held(&outcomes[i]);
        bin->stated += stated;
    }
    for (size_t i = 0; i < RESULT_REPORT_BINS; i++) {
        bins[i].from = (double)i / RESULT_REPORT_BINS;
        bins[i].to = (double)(i + 1) / RESULT_REPORT_BINS;
        bins[i].stated = bins[i].held.count == 0 ? NAN : bins[i].stated / (double)bins[i].held.count;
        share_finish(&bins[i].held);
    }
}

ResultReport
result_report_of(Arena *arena, const ImplementationOutcome *outcomes, size_t count)
{
    ResultReport report = {.kinds = ARENA_NEW_ARRAY(arena, ResultKind, count + 1)};
    ImplementationOutcome *sorted = ARENA_NEW_ARRAY(arena, ImplementationOutcome, count + 1);
    for (size_t i = 0; i < count; i++)
        sorted[i] = outcomes[i];
    qsort(sorted, count, sizeof(*sorted), compare_kind);
    for (size_t first = 0, next = 0; first < count; first = next) {
        while (next < count && compare_kind(&sorted[next], &sorted[first]) == 0)
            next++;
        ResultKind kind = kind_of(arena, sorted + first, next - first);
        kind.source_type = sorted[first].source_type;
        kind.kind = sorted[first].kind;
        kind.factor = factor_of(sorted + first, next - first);
        report.kinds[report.kind_count++] = kind;
    }
    report.all = kind_of(arena, outcomes, count);
    bins_fill(report.bins, outcomes, count);
    return report;
}

bool
result_report_read(PgConnection *session, Arena *arena, int64_t target_id, ResultReport *ret_report,
                   Error *error)
{
    ImplementationOutcome *outcomes;
    size_t count;
    if (!implementation_outcomes(session, arena, target_id, &outcomes, &count, error))
        return false;
    *ret_report = result_report_of(arena, outcomes, count);
    return true;
}
