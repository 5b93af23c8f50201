// SPDX-License-Identifier: PostgreSQL
#include "plan_read.h"

#include <math.h>
#include <string.h>

static void
every_field_of_a_node_is_read(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *plan = plan_read(
        arena,
        "[{\"Plan\": {\"Node Type\": \"Hash Join\", \"Parent Relationship\": \"Outer\", \"Join Type\": "
        "\"Left\","
        "\"Strategy\": \"Hashed\", \"Partial Mode\": \"Simple\", \"Operation\": \"Update\", \"Command\": "
        "\"Except\", \"Schema\": "
        "\"public\","
        "\"Relation Name\": \"größe\", \"Alias\": \"g\", \"Index Name\": \"i\", \"Index Cond\": \"(a = 1)\","
        "\"Filter\": \"(b > 2)\", \"Join Filter\": \"(c < d)\", \"Hash Cond\": \"(a.x = b.x)\", \"Merge "
        "Cond\": \"m\","
        "\"Recheck Cond\": \"r\", \"Scan Direction\": \"Backward\", \"Subplan Name\": \"InitPlan 1\", \"CTE "
        "Name\": \"w\","
        "\"Sort Key\": [\"a\", \"b DESC\"], \"Presorted Key\": [\"a\"], \"Group Key\": [\"g\"], \"Output\": "
        "[\"a\", 5, \"b\"],"
        "\"Parallel Aware\": true, \"Workers Planned\": 2, \"Startup Cost\": 1.25, \"Total Cost\": 1e7, "
        "\"Plan Rows\": 10,"
        "\"Plan Width\": 4, \"Actual Startup Time\": 0.5, \"Actual Total Time\": 0.75, \"Actual Rows\": 1.5,"
        "\"Actual Loops\": 3, \"Rows Removed by Filter\": 6, \"Shared Hit Blocks\": 7, \"Shared Read "
        "Blocks\": 8,"
        "\"Temp Read Blocks\": 9, \"Temp Written Blocks\": 10, \"New in PostgreSQL 99\": {\"x\": []},"
        "\"Plans\": [{\"Node Type\": \"Seq Scan\"}, {\"Node Type\": \"Hash\"}]},"
        "\"Planning Time\": 0.25, \"Execution Time\": 12}]");
    const PgPlanNode *node = plan->root;
    const char *const texts[][2] = {{node->node_type, "Hash Join"},
                                    {node->parent_relationship, "Outer"},
                                    {node->join_type, "Left"},
                                    {node->strategy, "Hashed"},
                                    {node->partial_mode, "Simple"},
                                    {node->operation, "Update"},
                                    {node->command, "Except"},
                                    {node->schema, "public"},
                                    {node->relation, "größe"},
                                    {node->alias, "g"},
                                    {node->index, "i"},
                                    {node->index_condition, "(a = 1)"},
                                    {node->filter, "(b > 2)"},
                                    {node->join_filter, "(c < d)"},
                                    {node->hash_condition, "(a.x = b.x)"},
                                    {node->merge_condition, "m"},
                                    {node->recheck_condition, "r"},
                                    {node->scan_direction, "Backward"},
                                    {node->subplan_name, "InitPlan 1"},
                                    {node->cte_name, "w"},
                                    {node->sort_keys.items[1], "b DESC"},
                                    {node->presorted_keys.items[0], "a"},
                                    {node->group_keys.items[0], "g"},
                                    {node->output.items[1], "b"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++)
        assert_string_equal(texts[i][0], texts[i][1]);
    const double numbers[][2] = {{node->workers_planned, 2},    {node->startup_cost, 1.25},
                                 {node->total_cost, 1e7},       {node->plan_rows, 10},
                                 {node->plan_width, 4},         {node->actual_startup_ms, 0.5},
                                 {node->actual_total_ms, 0.75}, {node->actual_rows, 1.5},
                                 {node->actual_loops, 3},       {node->rows_removed_by_filter, 6},
                                 {node->shared_hit_blocks, 7},  {node->shared_read_blocks, 8},
                                 {node->temp_read_blocks, 9},   {node->temp_written_blocks, 10},
                                 {plan->planning_ms, 0.25},     {plan->execution_ms, 12},
                                 {(double)plan->node_count, 3}, {(double)node->children.count, 2}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(numbers); i++)
        assert_true(numbers[i][0] == numbers[i][1]);
    assert_true(node->is_parallel_aware && node->output.count == 2);
}

static void
what_is_missing_or_of_another_type_is_absent(void **state)
{
    (void)state;
    static const char *const roots[] = {
        "{\"Node Type\": \"Result\"}",
        "{\"Node Type\": \"Result\", \"Total Cost\": \"7\", \"Plan Rows\": null, \"Startup Cost\": [1], "
        "\"Alias\": 5,"
        " \"Sort Key\": \"a\", \"Plans\": {\"Node Type\": \"x\"}, \"Parallel Aware\": 1, \"Filter\": {}}"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(roots); i++) {
        const PgPlan *plan = plan_read_root(arena, roots[i]);
        const PgPlanNode *node = plan->root;
        assert_true(isnan(node->total_cost) && isnan(node->plan_rows) && isnan(node->startup_cost));
        assert_true(isnan(node->actual_total_ms) && isnan(plan->planning_ms) && isnan(plan->execution_ms));
        assert_true(node->alias == NULL && node->filter == NULL && node->relation == NULL);
        assert_true(node->sort_keys.count == 0 && node->children.count == 0 && !node->is_parallel_aware);
    }
}

static void
what_is_no_plan_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"", "not JSON"},
        {"Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)", "not JSON"},
        {"[{\"Plan\": {\"Node Type\": \"Result\"}}", "not JSON"},
        {"[{\"Plan\": {\"Node Type\": \"Result\"}}] x", "not JSON"},
        {"[{\"Plan\": {\"Node Type\": \"\xff\"}}]", "not JSON"},
        {"[{\"Plan\": {\"Node Type\": \"a\\u0000b\"}}]", "not JSON"},
        {"[]", "no \"Plan\""},
        {"[[]]", "no \"Plan\""},
        {"{}", "no \"Plan\""},
        {"[{\"plan\": {}}]", "no \"Plan\""},
        {"[{\"Plan\": []}]", "not an object"},
        {"[{\"Plan\": null}]", "not an object"},
        {"[{\"Plan\": {}}]", "no \"Node Type\""},
        {"[{\"Plan\": {\"Node Type\": 5}}]", "no \"Node Type\""},
        {"[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [5]}}]", "not an object"},
        {"[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [{\"Node Type\": \"x\"}, {}]}}]", "Node Type"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = plan_refusal(cases[i].text, strlen(cases[i].text));
        assert_int_equal(error.code, ERROR_INPUT);
        if (strstr(error.message, cases[i].words) == NULL)
            fail_msg("%s: not %s", error.message, cases[i].words);
    }
    assert_int_equal(plan_refusal("[{\"Plan\": {\"Node Type\": \"a\"}}]\0x", 33).code, ERROR_INPUT);
}

/* A chain of so many nodes. */
static Text
chain(Arena *arena, int depth)
{
    Text text = text_new(arena);
    text_append(&text, "[{\"Plan\":");
    for (int i = 0; i < depth; i++)
        text_append(&text, i == 0 ? "{\"Node Type\":\"x\"" : ",\"Plans\":[{\"Node Type\":\"x\"");
    for (int i = 0; i < depth; i++)
        text_append(&text, i == depth - 1 ? "}" : "}]");
    text_append(&text, "}]");
    return text;
}

static void
depth_nodes_and_size_have_their_limits(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 30);
    Text text = chain(arena, PG_PLAN_DEPTH_MOST);
    assert_int_equal(plan_read(arena, text.data)->node_count, PG_PLAN_DEPTH_MOST);
    text = chain(arena, PG_PLAN_DEPTH_MOST + 1);
    assert_int_equal(plan_refusal(text.data, text.length).code, ERROR_LIMIT);
    text = chain(arena, 5000);
    assert_int_not_equal(plan_refusal(text.data, text.length).code, ERROR_NONE);
    for (int more = 0; more < 2; more++) {
        text = text_new(arena);
        text_append(&text, "[{\"Plan\":{\"Node Type\":\"Append\",\"Plans\":[");
        for (int i = 1; i < PG_PLAN_NODES_MOST + more; i++)
            text_append(&text, i == 1 ? "{\"Node Type\":\"x\"}" : ",{\"Node Type\":\"x\"}");
        text_append(&text, "]}}]");
        if (more == 0)
            assert_int_equal(plan_read(arena, text.data)->node_count, PG_PLAN_NODES_MOST);
        else
            assert_int_equal(plan_refusal(text.data, text.length).code, ERROR_LIMIT);
    }
    text = text_new(arena);
    text_append_format(&text, "%*s", PG_PLAN_TEXT_BYTES_MOST + 1, "[]");
    assert_int_equal(plan_refusal(text.data, text.length).code, ERROR_LIMIT);
}

typedef struct Walk {
    Text text;
    size_t count;
} Walk;

static void
note_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    Walk *walk = context;
    walk->count++;
    text_append_format(&walk->text, "%s<%s ", node->node_type, parent == NULL ? "-" : parent->node_type);
}

static void
a_walk_visits_parents_first_and_each_node_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const PgPlan *plan = plan_read_root(
        arena,
        "{\"Node Type\": \"a\", \"Plans\": [{\"Node Type\": \"b\", \"Plans\": [{\"Node Type\": \"c\"}]},"
        "{\"Node Type\": \"d\"}]}");
    Walk walk = {.text = text_new(arena)};
    pg_plan_walk(plan, note_visit, &walk);
    assert_string_equal(walk.text.data, "a<- b<a c<b d<a ");
    assert_int_equal(walk.count, plan->node_count);
}

static void
an_index_gets_another_name_wherever_the_plan_uses_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    PgPlan *plan = plan_read_root(
        arena,
        "{\"Node Type\": \"a\", \"Index Name\": \"i\", \"Plans\": [{\"Node Type\": \"b\", \"Index Name\": "
        "\"j\"},"
        "{\"Node Type\": \"c\", \"Index Name\": \"i\", \"Relation Name\": \"i\"}, {\"Node Type\": \"d\"}]}");
    pg_plan_rename_index(plan, "i", "orders_customer_id_idx");
    assert_string_equal(plan->root->index, "orders_customer_id_idx");
    assert_string_equal(plan->root->children.items[0]->index, "j");
    assert_string_equal(plan->root->children.items[1]->index, "orders_customer_id_idx");
    assert_string_equal(plan->root->children.items[1]->relation, "i");
    assert_null(plan->root->children.items[2]->index);
}

static void
a_relations_scan_is_its_costliest_node(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    PgPlan *plan =
        plan_read_root(arena, "{\"Node Type\": \"a\", \"Total Cost\": 9.0, \"Plans\": ["
                              "{\"Node Type\": \"b\", \"Total Cost\": 2.0, \"Relation Name\": \"t\"},"
                              "{\"Node Type\": \"c\", \"Total Cost\": 5.0, \"Relation Name\": \"t\"},"
                              "{\"Node Type\": \"d\", \"Total Cost\": 7.0, \"Relation Name\": \"u\"}]}");
    assert_ptr_equal(pg_plan_scan_of(plan, "t"), plan->root->children.items[1]);
    assert_ptr_equal(pg_plan_scan_of(plan, "u"), plan->root->children.items[2]);
    assert_null(pg_plan_scan_of(plan, "v"));
}

static void
the_rows_of_a_parallel_scan_are_those_of_all_processes(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    static const struct {
        const char *above;
        double rows;
    } cases[] = {{"\"Gather\", \"Workers Planned\": 1", 1700},
                 {"\"Gather\", \"Workers Planned\": 2", 2400},
                 {"\"Gather Merge\", \"Workers Planned\": 4", 4000},
                 {"\"Append\"", 1000}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        PgPlan *plan = plan_read_root(
            arena,
            arena_printf(arena,
                         "{\"Node Type\": %s, \"Plans\": [{\"Node Type\": \"Hash Join\", \"Plans\": ["
                         "{\"Node Type\": \"Seq Scan\", \"Parallel Aware\": true, \"Plan Rows\": 1000},"
                         "{\"Node Type\": \"Seq Scan\", \"Parallel Aware\": false, \"Plan Rows\": 7},"
                         "{\"Node Type\": \"Seq Scan\", \"Parallel Aware\": true}]}]}",
                         cases[i].above));
        PgPlanNode *const *scans = plan->root->children.items[0]->children.items;
        if (!isnan(plan->root->workers_planned))
            assert_true(fabs(pg_plan_shares_of(plan->root) - cases[i].rows / 1000) < 1e-6);
        assert_true(fabs(pg_plan_rows_of_all(plan, scans[0]) - cases[i].rows) < 1e-6);
        assert_true(pg_plan_rows_of_all(plan, scans[1]) == 7);
        assert_true(isnan(pg_plan_rows_of_all(plan, scans[2])));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_node_is_read),
        cmocka_unit_test(what_is_missing_or_of_another_type_is_absent),
        cmocka_unit_test(what_is_no_plan_is_refused),
        cmocka_unit_test(depth_nodes_and_size_have_their_limits),
        cmocka_unit_test(a_walk_visits_parents_first_and_each_node_once),
        cmocka_unit_test(an_index_gets_another_name_wherever_the_plan_uses_it),
        cmocka_unit_test(a_relations_scan_is_its_costliest_node),
        cmocka_unit_test(the_rows_of_a_parallel_scan_are_those_of_all_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
