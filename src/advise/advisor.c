// SPDX-License-Identifier: PostgreSQL
#include "advise/advisor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *
advice_risk_word(AdviceRisk risk)
{
    static const char *const words[] = {"low", "medium", "high"};
    fettle_assert((size_t)risk < FETTLE_COUNT_OF(words));
    return words[risk];
}

static int
figure_compare_descending(double first, double second)
{
    double a = isnan(first) ? 0 : first;
    double b = isnan(second) ? 0 : second;
    return (a < b) - (a > b);
}

static int
recommendation_compare(const void *left, const void *right)
{
    const Recommendation *a = *(Recommendation *const *)left;
    const Recommendation *b = *(Recommendation *const *)right;
    int order = figure_compare_descending(a->saved_ms, b->saved_ms);
    if (order == 0)
        order = figure_compare_descending(a->improvement_percent, b->improvement_percent);
    return order != 0 ? order : strcmp(a->title, b->title);
}

static int
rejection_compare(const void *left, const void *right)
{
    const Rejection *a = left;
    const Rejection *b = right;
    int order = figure_compare_descending(a->weight, b->weight);
    return order != 0 ? order : strcmp(a->subject, b->subject);
}

static void
advice_rank(Advice *advice)
{
    RecommendationList *list = &advice->recommendations;
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), recommendation_compare);
    for (size_t i = 0; i < list->count; i++)
        list->items[i]->number = (int)i + 1;
    if (advice->rejections.count > 1)
        qsort(advice->rejections.items, advice->rejections.count, sizeof(*advice->rejections.items),
              rejection_compare);
}

bool
advise_run(const AdvisorContext *context, const char *only, Advice **ret_advice, Error *error)
{
    Advice *advice = ARENA_NEW(context->arena, Advice);
    advice->arena = context->arena;
    advice->snapshot = context->snapshot;
    advice->workload = context->workload;
    advice->cost_before = context->workload->weighted_cost;
    advice->cost_after = advice->cost_before;
    advice->gap_percent = NAN;
    bool found = false;
    for (const Advisor *const *advisor = advisors; *advisor != NULL; advisor++) {
        if (only != NULL && strcmp((*advisor)->name, only) != 0)
            continue;
        found = true;
        if (!(*advisor)->run(context, advice, error))
            return error_prefix(error, "%s advisor", (*advisor)->name);
    }
    if (!found) {
        error_set(error, ERROR_USAGE, "there is no advisor called \"%s\"", only == NULL ? "" : only);
        return error_set_hint(error, "run \"fettle help advise\" for the list");
    }
    advice->questions = whatif_statistics(context->whatif);
    advice_rank(advice);
    *ret_advice = advice;
    return true;
}
