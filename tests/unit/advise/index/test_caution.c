// SPDX-License-Identifier: PostgreSQL
#include "../../death.h"

#include "advise/index/caution.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PLAN(rest) "[{\"Plan\": {" rest "}}]"
#define SCAN(cost, rows, rest)                                                                               \
    "\"Node Type\": \"Index Scan\", \"Startup Cost\": 0.0, \"Total Cost\": " cost ", \"Plan Rows\": " rows   \
    ", \"Index Name\": \"i\"" rest
#define LIMIT(cost, rows, below)                                                                             \
    "\"Node Type\": \"Limit\", \"Startup Cost\": 0.0, \"Total Cost\": " cost ", \"Plan Rows\": " rows        \
    ", \"Plans\": [{" below "}]"

static void
assert_cost(double cost, double expected)
{
    if (!(fabs(cost - expected) < 1e-9))
        fail_msg("%g, not %g", cost, expected);
}

static CautiousCost
cautious_of(const char *text, bool is_generic)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    PgPlan *plan;
    Error error = {0};
    if (!pg_plan_parse(arena, text, strlen(text), &plan, &error))
        fail_msg("%s", error.message);
    return plan_cautious_cost(plan, is_generic);
}

static double
cautious(const char *text, bool is_generic)
{
    return cautious_of(text, is_generic).worst;
}

static void
a_plan_without_a_limit_costs_what_it_costs(void **state)
{
    (void)state;
    assert_cost(cautious(PLAN(SCAN("500.0", "100", ", \"Filter\": \"(a > 1)\"")), false), 500);
}

static void
a_statements_cost_is_raised_as_its_plans_is(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    static const char text[] = PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"(a = $1)\"")));
    PgPlan *plan;
    Error error = {0};
    assert_true(pg_plan_parse(arena, text, strlen(text), &plan, &error));
    const SnapshotStatement source = {.calls = 10};
    WorkloadStatement statement = {.source = &source, .weight = 2, .total_ms = 100, .baseline_cost = 50};
    Workload workload = {.typical_ms = 0.1};
    /* a mean of 50 over several values, which may be 20 times as much, as 5 may be 100 */
    assert_cost(cautious_value(&workload, &statement, 50, plan, true).worst, 2 * 50 + 2 * 19 * 50);
    assert_cost(cautious_value(&workload, &statement, 50, plan, true).priced,
                2 * 50 + 2 * (0.2 * 50 + 18 * 50));
    assert_cost(cautious_value(&workload, &statement, 50, NULL, true).worst, 2 * 50);
    /* ten calls at 0.5 ms for a unit elsewhere: what is read on top takes that, however cheap the rest was */
    workload.typical_ms = 0.5;
    assert_cost(cautious_value(&workload, &statement, 50, plan, true).priced,
                2 * 50 + 5 * (0.2 * 50 + 18 * 50));
    workload.typical_ms = NAN;
    assert_cost(cautious_value(&workload, &statement, 50, plan, true).priced,
                2 * 50 + 2 * (0.2 * 50 + 18 * 50));
    workload.typical_ms = 0.5;
    statement.total_ms = NAN; /* no times: weights are calls */
    assert_true(workload_risk_weight(&workload, &statement) == 2);
}

static void
rows_that_all_count_are_stopped_when_there_are_enough(void **state)
{
    (void)state;
    assert_cost(
        cautious(PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Index Cond\": \"(a = $1)\""))), true), 5);
}

static void
rows_that_are_filtered_may_be_rarer_than_estimated(void **state)
{
    (void)state;
    /* 10 of 1,000 rows: a hundredth is hoped for, a fifth is allowed for */
    assert_cost(cautious(PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"(a = $1)\""))), true),
                100);
    /* and never more than all */
    assert_cost(cautious(PLAN(LIMIT("250.0", "10", SCAN("500.0", "20", ", \"Filter\": \"(a = 1)\""))), false),
                500);
}

static void
what_the_planner_takes_a_constant_for_may_be_all(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        bool is_unknown;
    } cases[] = {{"(a > $1)", true},         {"(a <= ($1 + 2))", true}, {"($1 < a)", true},
                 {"((a ~~ $1))", true},      {"(a <> $1)", false},      {"(a = $1)", false},
                 {"((b ->> $1) = a)", true}, {"(b @> $1)", true},       {"((c = $2) AND (a >= $1))", true}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        char text[1024];
        snprintf(text, sizeof(text), PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"%s\""))),
                 cases[i].filter);
        assert_cost(cautious(text, true), cases[i].is_unknown ? 500 : 100);
    }
}

static void
the_least_of_a_column_is_sought_among_all_where_another_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        double cost;
    } cases[] = {{"((a IS NOT NULL) AND (b >= $1) AND (b <= $2))", 500},
                 {"((a IS NOT NULL) AND (a >= $1))", 0.5},
                 {"((b = $1) AND (a IS NOT NULL))", 0.5}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 PLAN(LIMIT("0.5", "1", SCAN("500.0", "1000", ", \"Index Cond\": \"%s\""))),
                 cases[i].condition);
        assert_cost(cautious(text, true), cases[i].cost);
    }
}

static void
harm_is_priced_whole_and_a_smaller_gain_by_its_chance(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    static const char text[] = PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"(a = $1)\"")));
    PgPlan *plan;
    Error error = {0};
    assert_true(pg_plan_parse(arena, text, strlen(text), &plan, &error));
    const SnapshotStatement source = {.calls = 10};
    WorkloadStatement statement = {.source = &source, .weight = 2, .total_ms = 100, .baseline_cost = 100};
    Workload workload = {.typical_ms = NAN};
    /* 100 at worst, and 100 today */
    assert_cost(cautious_value(&workload, &statement, 5, plan, true).priced, 2 * (5 + 0.2 * 95));
    assert_cost(cautious_value(&workload, &statement, 5, plan, true).worst, 2 * 100);
    statement.baseline_cost = 60; /* not twice as slow */
    assert_cost(cautious_value(&workload, &statement, 5, plan, true).priced, 2 * (5 + 0.2 * 95));
    statement.baseline_cost = 40;
    assert_cost(cautious_value(&workload, &statement, 5, plan, true).priced, 2 * (5 + 0.2 * 75 + 20));
    /* what may be slow today already is no new risk */
    statement.baseline_cost = 5;
    statement.baseline_plan = plan;
    assert_cost(cautious_value(&workload, &statement, 5, plan, true).priced, 2 * (5 + 0.2 * 95));
}

static void
a_constant_of_the_planners_is_hoped_on_where_it_is_right_most_often(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        double likely, worst;
    } cases[] = {{"(a = $1)", 5, 100},
                 /* a third of the rows is a fair guess, and may be all wrong */
                 {"(a > $1)", 5, 500},
                 /* a two hundredth is none */
                 {"((a > $1) AND (a < $2))", 500, 500}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        char text[1024];
        snprintf(text, sizeof(text), PLAN(LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"%s\""))),
                 cases[i].filter);
        CautiousCost cost = cautious_of(text, true);
        assert_cost(cost.likely, cases[i].likely);
        assert_cost(cost.worst, cases[i].worst);
    }
}

static void
a_sort_reads_everything_anyway(void **state)
{
    (void)state;
    assert_cost(
        cautious(PLAN(LIMIT("510.0", "10",
                            "\"Node Type\": \"Sort\", \"Startup Cost\": 510.0, \"Total Cost\": 520.0, "
                            "\"Plan Rows\": 1000, \"Plans\": [{" SCAN("500.0", "1000",
                                                                      ", \"Filter\": \"(a > $1)\"") "}]")),
                 true),
        510);
}

static void
what_stops_early_for_each_outer_row_counts_as_often(void **state)
{
    (void)state;
    const char *inner = ", \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Parent Relationship\": \"Outer\", "
                        "\"Startup Cost\": 0.0, "
                        "\"Total Cost\": 10.0, \"Plan Rows\": 7}, {\"Parent Relationship\": \"Inner\", ";
    char text[2048];
    snprintf(text, sizeof(text),
             "[{\"Plan\": {\"Node Type\": \"Nested Loop\", \"Startup Cost\": 0.0, \"Total Cost\": 45.0, "
             "\"Plan Rows\": 7%s%s}]}}]",
             inner, LIMIT("5.0", "10", SCAN("500.0", "1000", ", \"Filter\": \"(a = 1)\"")));
    assert_cost(cautious(text, false), 45 + 7 * 95);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_without_a_limit_costs_what_it_costs),
        cmocka_unit_test(a_statements_cost_is_raised_as_its_plans_is),
        cmocka_unit_test(rows_that_all_count_are_stopped_when_there_are_enough),
        cmocka_unit_test(rows_that_are_filtered_may_be_rarer_than_estimated),
        cmocka_unit_test(what_the_planner_takes_a_constant_for_may_be_all),
        cmocka_unit_test(the_least_of_a_column_is_sought_among_all_where_another_is_asked_for),
        cmocka_unit_test(harm_is_priced_whole_and_a_smaller_gain_by_its_chance),
        cmocka_unit_test(a_constant_of_the_planners_is_hoped_on_where_it_is_right_most_often),
        cmocka_unit_test(a_sort_reads_everything_anyway),
        cmocka_unit_test(what_stops_early_for_each_outer_row_counts_as_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
