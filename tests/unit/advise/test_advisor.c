// SPDX-License-Identifier: PostgreSQL
/*
 * From a workload to advice on the twin of a real shop.
 */
#include "../whatif/shop_twin.h"

#include "advise/advisor.h"
#include "advise/index/evidence.h"
#include "advise/workload.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

typedef struct Bench {
    WhatIf *whatif;
    AdvisorContext context;
} Bench;

static Bench
bench_open(Arena *arena)
{
    Bench bench = {0};
    const Workload *workload = NULL;
    Error error = {0};
    if (!whatif_over_twin(arena, shop_twin(), &bench.whatif, &error) ||
        !workload_prepare(arena, shop_snapshot(), bench.whatif, &(WorkloadOptions){0}, &workload, &error))
        fail_msg("%s", error.message);
    bench.context = (AdvisorContext){.arena = arena,
                                     .snapshot = shop_snapshot(),
                                     .workload = workload,
                                     .whatif = bench.whatif,
                                     .settings = settings_new(arena),
                                     .deadline = DEADLINE_NEVER,
                                     .budget_bytes = INFINITY};
    return bench;
}

static const WorkloadStatement *
statement_like(const Workload *workload, const char *words)
{
    for (size_t i = 0; i < workload->count; i++)
        if (strstr(workload->statements[i].label, words) != NULL)
            return &workload->statements[i];
    return NULL;
}

static void
a_workload_is_costed_weighed_and_sorted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    Bench bench = bench_open(arena);
    const Workload *workload = bench.context.workload;
    assert_int_equal(workload->costed_count, 4);
    assert_int_equal(workload->unparsed_count, 1);
    assert_int_equal(workload->utility_count, 1);
    assert_int_equal(workload->internal_count, 1);
    /* what is no part of the workload is left out; what cannot be costed is kept with its reason */
    assert_int_equal(workload->count, 6);
    assert_null(statement_like(workload, "pg_class"));
    assert_null(statement_like(workload, "create index"));
    const WorkloadStatement *lost = statement_like(workload, "nosuch");
    assert_true(!lost->is_costed && lost->weight == 0);
    assert_contains(lost->reason, "nosuch");
    assert_true(statement_like(workload, "form orders")->reason[0] != '\0');
    double sum = 0, last = INFINITY;
    for (size_t i = 0; i < workload->count; i++) {
        const WorkloadStatement *statement = &workload->statements[i];
        double share = statement->weight * statement->baseline_cost;
        assert_true(statement->position == i && share <= last && strlen(statement->label) <= 100);
        if (statement->is_costed)
            assert_true(fabs(share - statement->total_ms) < 1e-6 && statement->baseline_plan != NULL);
        last = share;
        sum += share;
    }
    assert_true(fabs(sum - workload->weighted_cost) < 1e-6);
    assert_contains(workload->statements[0].label, "customer_id = 7");
    assert_true(workload->has_times && workload->covered_time_share > 0.99);
    whatif_close(bench.whatif);
}

static void
a_workload_can_be_cut_to_its_first(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = NULL;
    const Workload *workload = NULL;
    Error error = {0};
    assert_true(whatif_over_twin(arena, shop_twin(), &whatif, &error));
    assert_true(workload_prepare(arena, shop_snapshot(), whatif, &(WorkloadOptions){.statements_most = 2},
                                 &workload, &error));
    assert_int_equal(workload->count, 2);
}

static const Recommendation *
recommendation_of(const Advice *advice, const char *relation)
{
    for (size_t i = 0; i < advice->recommendations.count; i++)
        if (strcmp(advice->recommendations.items[i]->relation, relation) == 0)
            return advice->recommendations.items[i];
    fail_msg("nothing for %s", relation);
    return NULL;
}

static void
the_missing_index_is_advised_with_its_proof(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    Bench bench = bench_open(arena);
    Advice *advice = NULL;
    Error error = {0};
    if (!advise_run(&bench.context, NULL, &advice, &error))
        fail_msg("%s", error.message);
    whatif_close(bench.whatif);
    const Recommendation *orders = recommendation_of(advice, "public.orders");
    assert_string_equal(
        orders->statement,
        "CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders USING btree (customer_id);");
    assert_string_equal(orders->undo, "DROP INDEX CONCURRENTLY public.orders_customer_id_idx;");
    assert_true(orders->number == 1 && orders->risk == ADVICE_RISK_LOW && orders->size_bytes > 50000);
    assert_true(orders->saved_ms > 10000 && orders->improvement_percent > 50 && orders->reason[0] != '\0');
    assert_true(orders->gains.count >= 1 && orders->losses.count == 0);
    for (size_t i = 0; i < orders->gains.count; i++)
        assert_true(orders->gains.items[i].cost_after < orders->gains.items[i].cost_before);
    const AdviceEffect *gain = &orders->gains.items[0];
    assert_contains(gain->statement->label, "customer_id = 7");
    assert_string_equal(gain->plan_before->root->node_type, "Seq Scan");
    assert_string_not_equal(gain->plan_after->root->node_type, "Seq Scan");
    assert_true(advice->cost_after < advice->cost_before && !advice->is_stopped_early);
    assert_true(advice->questions.questions > 0 && advice->rejections.count > 0);
    /* the statements can be run as they stand, and undone */
    test_server_run(orders->statement);
    test_server_run(orders->undo);
    for (size_t i = 1; i < advice->recommendations.count; i++)
        assert_true(advice->recommendations.items[i]->saved_ms <=
                    advice->recommendations.items[i - 1]->saved_ms);
    for (size_t i = 1; i < advice->rejections.count; i++)
        assert_true(advice->rejections.items[i].weight <= advice->rejections.items[i - 1].weight);
}

static void
without_room_nothing_is_advised(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    Bench bench = bench_open(arena);
    bench.context.budget_bytes = 8192;
    Advice *advice = NULL;
    Error error = {0};
    assert_true(advise_run(&bench.context, "index", &advice, &error));
    whatif_close(bench.whatif);
    assert_int_equal(advice->recommendations.count, 0);
    assert_true(advice->cost_after == advice->cost_before);
}

static void
an_empty_answer_has_no_recommendations(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    Bench bench = bench_open(arena);
    Advice *advice = ARENA_NEW(arena, Advice);
    advice->arena = arena;
    const CandidateSet *candidates = candidates_generate(arena, &bench.context, advice);
    Oracle *oracle = oracle_new(arena, &bench.context, candidates);
    SearchResult result = {.chosen = bits_new(arena, candidates->count),
                           .harvested = bits_new(arena, candidates->count)};
    result.cost_after = ARENA_NEW_ARRAY(arena, double, bench.context.workload->count);
    for (size_t i = 0; i < bench.context.workload->count; i++)
        result.cost_after[i] = bench.context.workload->statements[i].baseline_cost;
    Error error = {0};
    assert_true(index_evidence(&bench.context, candidates, oracle, &result, advice, &error));
    whatif_close(bench.whatif);
    assert_int_equal(advice->recommendations.count, 0);
    assert_true(advice->rejections.count > 0); /* each idea that no plan used */
}

static void
an_advisor_that_does_not_exist_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)512 << 20);
    Bench bench = bench_open(arena);
    Advice *advice = NULL;
    Error error = {0};
    assert_false(advise_run(&bench.context, "nosuch", &advice, &error));
    whatif_close(bench.whatif);
    assert_int_equal(error.code, ERROR_USAGE);
    assert_contains(error.message, "\"nosuch\"");
    assert_null(advice);
}

static void
the_table_of_advisors_is_consistent(void **state)
{
    (void)state;
    size_t count = 0;
    for (; advisors[count] != NULL; count++) {
        assert_true(advisors[count]->name[0] != '\0' && advisors[count]->summary[0] != '\0');
        assert_non_null(advisors[count]->run);
        for (size_t k = 0; k < count; k++)
            assert_string_not_equal(advisors[count]->name, advisors[k]->name);
    }
    assert_true(count > 0);
    assert_string_equal(advice_risk_word(ADVICE_RISK_LOW), "low");
    assert_string_equal(advice_risk_word(ADVICE_RISK_MEDIUM), "medium");
    assert_string_equal(advice_risk_word(ADVICE_RISK_HIGH), "high");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workload_is_costed_weighed_and_sorted),
        cmocka_unit_test(a_workload_can_be_cut_to_its_first),
        cmocka_unit_test(the_missing_index_is_advised_with_its_proof),
        cmocka_unit_test(without_room_nothing_is_advised),
        cmocka_unit_test(an_empty_answer_has_no_recommendations),
        cmocka_unit_test(an_advisor_that_does_not_exist_is_told),
        cmocka_unit_test(the_table_of_advisors_is_consistent),
    };
    return cmocka_run_group_tests(tests, shop_twin_start, shop_twin_stop);
}
