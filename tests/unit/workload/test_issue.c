// SPDX-License-Identifier: PostgreSQL
#include "memory_shop.h"

#include "workload/issue.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ARENA_BYTES ((size_t)256 << 20)
#define DAY_US (INT64_C(24) * 3600 * 1000000)
#define NOW_US (20000 * DAY_US)

/* One statement of the shop, its plan and what was seen of orders; what is 0 or NULL is left out. */
typedef struct Case {
    const char *text;
    const char *plan;
    double rows_per_call;
    double mean_ms;
    double calls;
    double blocks_hit;
    double blocks_read;
    double temp_blocks;
    int64_t rows_of_orders;
    int64_t analyzed_days_ago; /* 0: today */
    int64_t index_rows_read;   /* of 10 scans of orders_customer */
    bool without_schema;
    double block_bytes;
    bool is_never_analyzed;
    bool has_no_rows_counted;
    const PlanBook *book; /* NULL: the plan alone, of the first statement */
} Case;

static RelationRound
round_of(const Case *of, RelationRow rows[2])
{
    rows[0] =
        (RelationRow){.schema_name = "public",
                      .relation_name = "orders",
                      .kind = 'r',
                      .size_bytes = 1 << 30,
                      .row_estimate = of->is_never_analyzed ? -1 : (double)of->rows_of_orders,
                      .live_rows = of->has_no_rows_counted ? 0 : of->rows_of_orders,
                      .analyzed_at_us = of->is_never_analyzed ? 0 : NOW_US - of->analyzed_days_ago * DAY_US};
    rows[1] = (RelationRow){.schema_name = "public",
                            .relation_name = "orders_customer",
                            .kind = 'i',
                            .scans = 10,
                            .rows_read = of->index_rows_read};
    return (RelationRound){.rows = rows, .row_count = 2};
}

static Issues
issues_of_templates(Arena *arena, const WorkloadTemplates *templates, const Case *of)
{
    FactCatalog schema = {.database_name = "shop", .snapshot = shop_snapshot(arena)};
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    IssueCatalog catalog = issue_catalog_new(arena);
    StatementFacts *facts;
    RelationRow rows[2];
    RelationRound round = round_of(of, rows);
    issue_catalog_add_round(&catalog, "shop", &round);
    if (!of->without_schema)
        issue_catalog_add_snapshot(&catalog, &schema);
    facts_read(arena, templates, &schema, of->without_schema ? 0 : 1, &facts);
    if (of->plan != NULL)
        plan_book_add(&plans, "shop", 1, of->plan);
    assert_int_equal(plans.unreadable_count, 0);
    IssueInput input = {.templates = templates,
                        .facts = facts,
                        .plans = of->book == NULL ? &plans : of->book,
                        .catalog = &catalog,
                        .work_mem_bytes = 4 << 20,
                        .shared_buffers_bytes = 128 << 20,
                        .block_bytes = of->block_bytes > 0 ? of->block_bytes : NAN,
                        .now_us = NOW_US};
    Issues issues;
    issues_find(arena, &input, &issues);
    return issues;
}

static Issues
issues_of(Arena *arena, Case of)
{
    ShopStatement statement = {of.text, of.calls > 0 ? of.calls : 100, of.mean_ms > 0 ? of.mean_ms : 1,
                               of.rows_per_call};
    WorkloadTemplates templates = shop_templates(arena, &statement, 1);
    templates.items[0].blocks_hit = of.blocks_hit;
    templates.items[0].blocks_read = of.blocks_read;
    templates.items[0].temp_blocks = of.temp_blocks;
    if (of.rows_of_orders == 0)
        of.rows_of_orders = 100;
    return issues_of_templates(arena, &templates, &of);
}

static const Issue *
issue_of(const Issues *issues, IssueType type)
{
    for (size_t i = 0; i < issues->count; i++)
        if (issues->items[i].type == type)
            return &issues->items[i];
    return NULL;
}

/* The type's issue has the severity; "none": there is none of it. */
static void
check(Arena *arena, Case of, IssueType type, const char *severity)
{
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, type);
    const char *found = issue == NULL ? "none" : issue_severity_word(issue->severity);
    if (strcmp(found, severity) != 0)
        fail_msg("%s: %s, not %s", issue_type_word(type), found, severity);
}

static const char by_customer[] = "SELECT id FROM orders WHERE customer_id = $1";
static const char by_status[] = "SELECT id FROM orders WHERE status = $1";
static const char all_orders[] = "SELECT id FROM orders";

/* A sequential scan with a filter that keeps so many rows. */
static const char *
scan_plan(Arena *arena, const char *filter, int rows)
{
    return arena_printf(arena,
                        "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Plan "
                        "Rows\": %d%s%s%s}}]",
                        rows, filter == NULL ? "" : ", \"Filter\": \"", filter == NULL ? "" : filter,
                        filter == NULL ? "" : "\"");
}

static void
a_filter_that_no_index_serves_misses_one_from_1001_rows_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_status, .rows_per_call = 10, .plan = scan_plan(arena, "(status = $1)", 10)};
    of.rows_of_orders = 1000;
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    of.rows_of_orders = 1001;
    check(arena, of, ISSUE_MISSING_INDEX, "medium");
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "none");
    of.rows_of_orders = 10000;
    check(arena, of, ISSUE_MISSING_INDEX, "medium");
    of.rows_of_orders = 10001;
    check(arena, of, ISSUE_MISSING_INDEX, "high");
    of.rows_of_orders = 1000001;
    check(arena, of, ISSUE_MISSING_INDEX, "critical");
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_MISSING_INDEX);
    assert_true(issue->value == 1000001 && issue->threshold == 1000 && issue->time_share == 1);
    assert_int_equal(issue->tables.count, 1);
    assert_string_equal(issue->tables.items[0], "public.orders");
    assert_string_equal(issue->database_name, "shop");
    assert_true(issue->statement_count == 1 && issue->statements[0] == 0);
    assert_non_null(strstr(issue->action, "index public.orders (status)"));
    assert_true(issues.statement_count == 1 && issues.without_plan == 0 && issues.without_schema == 0);
}

static void
a_scan_that_an_index_would_not_help_is_a_full_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = all_orders, .rows_per_call = 1001, .plan = scan_plan(arena, NULL, 1001)};
    of.rows_of_orders = 1000;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "none");
    of.rows_of_orders = 1001;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
    of.rows_of_orders = 10001;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "high");
    /* a filter that keeps more than a tenth */
    of = (Case){.text = by_status, .plan = scan_plan(arena, "(status = $1)", 1001), .rows_of_orders = 10000};
    of.calls = 9;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    of.plan = scan_plan(arena, "(status = $1)", 1000);
    check(arena, of, ISSUE_MISSING_INDEX, "medium");
    /* of enough calls what came is told, not what the plan for any status expects */
    of.calls = 10;
    of.plan = scan_plan(arena, "(status = $1)", 5000);
    of.rows_per_call = 1000;
    check(arena, of, ISSUE_MISSING_INDEX, "medium");
    of.rows_per_call = 1001;
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    /* an index that is there and not used; none that is known */
    of = (Case){.text = "SELECT 1 FROM orders WHERE id = $1", .plan = scan_plan(arena, "(id = $1)", 1)};
    of.rows_of_orders = 5000;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    of = (Case){.text = by_status, .plan = scan_plan(arena, "(status = $1)", 1), .rows_of_orders = 5000};
    of.without_schema = true;
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
    Issues issues = issues_of(arena, of);
    assert_int_equal(issues.without_schema, 1);
    assert_non_null(strstr(issue_of(&issues, ISSUE_FULL_TABLE_SCAN)->description, "not known"));
}

static void
a_join_that_gives_out_few_rows_of_many_misses_an_index(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text =
                   "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.name = $1"};
    of.plan = "[{\"Plan\": {\"Node Type\": \"Hash Join\", \"Plan Rows\": 20, \"Plans\": [{\"Node Type\": "
              "\"Seq Scan\", \"Relation Name\": \"orders\", \"Plan Rows\": 20000}, {\"Node Type\": \"Hash\", "
              "\"Plan Rows\": 1, \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"customers\", "
              "\"Filter\": \"(name = $1)\", \"Plan Rows\": 1}]}]}}]";
    of.rows_of_orders = 20000;
    of.rows_per_call = 2000;
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_MISSING_INDEX);
    assert_non_null(issue);
    assert_non_null(strstr(issue->action, "index public.orders (customer_id)"));
    of.rows_per_call = 2001;
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "high");
    of.rows_per_call = 2000;
    of.text = "SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.name = $1";
    check(arena, of, ISSUE_MISSING_INDEX, "none");
}

static void
a_scan_below_a_limit_is_told_only_when_it_was_measured(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT id FROM orders LIMIT $1", .rows_of_orders = 5000};
    of.plan = "[{\"Plan\": {\"Node Type\": \"Limit\", \"Plan Rows\": 500, \"Plans\": [{\"Node Type\": \"Seq "
              "Scan\", \"Relation Name\": \"orders\", \"Plan Rows\": 5000}]}}]";
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "none");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Limit\", \"Plan Rows\": 500, \"Plans\": [{\"Node Type\": "
              "\"Sort\", \"Plan Rows\": 5000, \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Relation Name\": "
              "\"orders\", \"Plan Rows\": 5000}]}]}}]";
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Limit\", \"Plan Rows\": 500, \"Actual Rows\": 500, \"Actual "
              "Loops\": 1, \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Plan "
              "Rows\": 5000, \"Actual Rows\": 1200, \"Actual Loops\": 1}]}}]";
    check(arena, of, ISSUE_FULL_TABLE_SCAN, "medium");
}

static void
scans_of_partitions_are_one_of_their_table(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT 1 FROM events WHERE kind = $1"};
    of.plan =
        "[{\"Plan\": {\"Node Type\": \"Gather\", \"Workers Planned\": 2, \"Plan Rows\": 24, \"Plans\": "
        "[{\"Node Type\": \"Append\", \"Plan Rows\": 10, \"Plans\": [{\"Node Type\": \"Seq Scan\", "
        "\"Parallel Aware\": true, \"Relation Name\": \"events_1\", \"Filter\": \"(kind = $1)\", \"Plan "
        "Rows\": 10}, {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"elsewhere\", \"Plan Rows\": "
        "7}]}]}}]";
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_MISSING_INDEX);
    assert_non_null(issue);
    assert_string_equal(issue->tables.items[0], "public.events");
    assert_true(issue->value == 50000);
    assert_non_null(strstr(issue->description, "keep about 24 of them"));
}

#define SCAN(table, rows)                                                                                    \
    "{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"" table "\", \"Filter\": \"(kind = $1)\", "          \
    "\"Plan Rows\": 10, \"Actual Rows\": " rows ", \"Actual Loops\": 1}"

/* As in a join of the table with itself: p1, p2, p1, p2. */
static void
each_partition_counts_by_its_greatest_scan_alone(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT 1 FROM events a JOIN events b ON a.day = b.day WHERE a.kind = $1"};
    of.plan = "[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [" SCAN("events_1", "2000") ", " SCAN(
        "events", "3000") ", " SCAN("events_1", "2500") ", " SCAN("events", "3000") "]}}]";
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_FULL_TABLE_SCAN);
    assert_non_null(issue);
    assert_true(issue->value == 5500);
}

static void
a_plan_of_more_scans_than_are_read_tells_the_least(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Text plan = text_new(arena);
    text_append(&plan, "[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [" SCAN("events_1", "2000"));
    for (size_t i = 1; i < PLAN_SCANS_MOST; i++)
        text_append(&plan, ", " SCAN("events_1", "2000"));
    Case of = {.text = "SELECT 1 FROM events WHERE kind = $1"};
    of.plan = arena_printf(arena, "%s]}}]", plan.data);
    Issues issues = issues_of(arena, of);
    assert_non_null(strstr(issue_of(&issues, ISSUE_FULL_TABLE_SCAN)->description, "all 2,000 rows"));
    of.plan = arena_printf(arena, "%s, %s]}}]", plan.data, SCAN("events_1", "2000"));
    issues = issues_of(arena, of);
    assert_non_null(strstr(issue_of(&issues, ISSUE_FULL_TABLE_SCAN)->description, "at least 2,000 rows"));
    assert_null(strstr(issue_of(&issues, ISSUE_FULL_TABLE_SCAN)->description, "all"));
}

static void
a_table_whose_rows_nobody_counted_misses_no_index(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_status, .calls = 9, .plan = scan_plan(arena, "(status = $1)", 5000)};
    of.is_never_analyzed = true;
    of.has_no_rows_counted = true;
    check(arena, of, ISSUE_MISSING_INDEX, "none");
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_FULL_TABLE_SCAN);
    assert_non_null(issue);
    assert_non_null(strstr(issue->description, "at least 5,000 rows"));
    assert_non_null(strstr(issue->description, "how many rows it has"));
}

/* A subplan of so much width under a node with the filter; a join's inner side. */
static const char *
plan_below(Arena *arena, const char *parent, const char *child)
{
    return arena_printf(arena,
                        "[{\"Plan\": {%s, \"Plan Rows\": 1, \"Plans\": [{\"Node Type\": \"Seq Scan\", "
                        "\"Relation Name\": \"orders\", \"Plan Rows\": 5000, %s}]}}]",
                        parent, child);
}

static void
a_scan_that_stops_at_the_first_match_is_not_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    static const struct {
        const char *parent;
        const char *child;
        const char *severity;
    } cases[] = {
        {"\"Node Type\": \"Result\"",
         "\"Parent Relationship\": \"InitPlan\", \"Subplan Name\": \"InitPlan 1\", \"Plan Width\": 0",
         "none"},
        {"\"Node Type\": \"Result\"",
         "\"Parent Relationship\": \"InitPlan\", \"Subplan Name\": \"InitPlan 1\", \"Plan Width\": 4",
         "medium"},
        {"\"Node Type\": \"Result\"",
         "\"Parent Relationship\": \"InitPlan\", \"Subplan Name\": \"CTE a\", \"Plan Width\": 0", "medium"},
        {"\"Node Type\": \"Result\", \"Filter\": \"(SubPlan 1)\"",
         "\"Parent Relationship\": \"SubPlan\", \"Subplan Name\": \"SubPlan 1\", \"Plan Width\": 4", "none"},
        {"\"Node Type\": \"Result\", \"Filter\": \"((hashed SubPlan 1) OR (SubPlan 12))\"",
         "\"Parent Relationship\": \"SubPlan\", \"Subplan Name\": \"SubPlan 1\", \"Plan Width\": 4",
         "medium"},
        {"\"Node Type\": \"Nested Loop\", \"Join Type\": \"Semi\"", "\"Parent Relationship\": \"Inner\"",
         "none"},
        {"\"Node Type\": \"Nested Loop\", \"Join Type\": \"Anti\"", "\"Parent Relationship\": \"Inner\"",
         "none"},
        {"\"Node Type\": \"Nested Loop\", \"Join Type\": \"Semi\"", "\"Parent Relationship\": \"Outer\"",
         "medium"},
        {"\"Node Type\": \"Nested Loop\", \"Join Type\": \"Inner\"", "\"Parent Relationship\": \"Inner\"",
         "medium"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Case of = {.text = "SELECT 1 FROM orders", .rows_of_orders = 5000};
        of.plan = plan_below(arena, cases[i].parent, cases[i].child);
        check(arena, of, ISSUE_FULL_TABLE_SCAN, cases[i].severity);
    }
}

static void
an_index_that_reads_1001_rows_to_keep_a_tenth_is_inefficient(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT 1 FROM orders WHERE customer_id = $1 AND status = $2"};
    of.plan = "[{\"Plan\": {\"Node Type\": \"Index Scan\", \"Relation Name\": \"orders\", \"Index Name\": "
              "\"orders_customer\", \"Index Cond\": \"(customer_id = $1)\", \"Filter\": \"(status = $2)\", "
              "\"Plan Rows\": 100}}]";
    of.index_rows_read = 10000;
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "none");
    of.index_rows_read = 10010;
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "medium");
    of.index_rows_read = 100010;
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "high");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Bitmap Heap Scan\", \"Relation Name\": \"orders\", \"Filter\": "
              "\"(status = $2)\", \"Plan Rows\": 100, \"Plans\": [{\"Node Type\": \"Bitmap Index Scan\", "
              "\"Index Name\": \"orders_customer\", \"Index Cond\": \"(customer_id = $1)\", \"Plan Rows\": "
              "1000}]}}]"; /* the bitmap's own rows are told by the plan, whatever others read by the index */
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "none");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Bitmap Heap Scan\", \"Relation Name\": \"orders\", \"Filter\": "
              "\"(status = $2)\", \"Plan Rows\": 100, \"Plans\": [{\"Node Type\": \"Bitmap Index Scan\", "
              "\"Index Name\": \"orders_customer\", \"Index Cond\": \"(customer_id = $1)\", \"Plan Rows\": "
              "1001}]}}]";
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "medium");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Index Scan\", \"Relation Name\": \"orders\", \"Index Name\": "
              "\"orders_customer\", \"Index Cond\": \"(customer_id = $1)\", \"Filter\": \"(status = $2)\", "
              "\"Plan Rows\": 5000}}]";
    check(arena, of, ISSUE_INEFFICIENT_INDEX, "none");
}

/* One reads much by it, or both do: the index's counters do not tell which. */
static void
an_index_of_two_statements_is_neithers_fault(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    static const char plan[] =
        "[{\"Plan\": {\"Node Type\": \"Index Scan\", \"Relation Name\": \"orders\", \"Index Name\": "
        "\"orders_customer\", \"Index Cond\": \"(customer_id = $1)\", \"Filter\": \"(status = $2)\", "
        "\"Plan Rows\": 100}}]";
    const char *text = "SELECT 1 FROM orders WHERE customer_id = $1 AND status = $2";
    const ShopStatement statements[] = {{text, 10, 1, 1}, {text, 10, 1, 1}};
    WorkloadTemplates templates = shop_templates(arena, statements, 2);
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    Case of = {.rows_of_orders = 100, .index_rows_read = 100010, .book = &plans};
    plan_book_add(&plans, "shop", 1, plan);
    Issues issues = issues_of_templates(arena, &templates, &of);
    const Issue *issue = issue_of(&issues, ISSUE_INEFFICIENT_INDEX);
    assert_non_null(issue);
    assert_non_null(strstr(issue->description, "of whatever statement"));
    plan_book_add(&plans, "shop", 2, plan);
    issues = issues_of_templates(arena, &templates, &of);
    assert_null(issue_of(&issues, ISSUE_INEFFICIENT_INDEX));
}

static void
a_nested_loop_of_more_than_10000_rows_is_poor(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    static const struct {
        int rows;
        const char *severity;
    } cases[] = {{10000, "none"}, {10001, "medium"}, {100000, "medium"}, {100001, "high"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Case of = {.text = "SELECT 1 FROM orders o JOIN customers c ON c.id = o.customer_id"};
        of.plan = arena_printf(arena, "[{\"Plan\": {\"Node Type\": \"Nested Loop\", \"Plan Rows\": %d}}]",
                               cases[i].rows);
        check(arena, of, ISSUE_POOR_JOIN_STRATEGY, cases[i].severity);
    }
}

static void
more_than_five_joins_are_no_good_pattern(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT 1 FROM orders a, orders b, orders c, orders d, orders e, orders f"};
    check(arena, of, ISSUE_SUBOPTIMAL_PATTERN, "none");
    of.text = "SELECT 1 FROM orders a, orders b, orders c, orders d, orders e, orders f, orders g";
    check(arena, of, ISSUE_SUBOPTIMAL_PATTERN, "medium");
}

static void
statistics_are_stale_after_30_days_or_when_there_are_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_status, .analyzed_days_ago = 30};
    check(arena, of, ISSUE_STALE_STATISTICS, "none");
    of.analyzed_days_ago = 31;
    check(arena, of, ISSUE_STALE_STATISTICS, "medium");
    Issues issues = issues_of(arena, of);
    assert_true(issue_of(&issues, ISSUE_STALE_STATISTICS)->value == 31);
    assert_non_null(strstr(issue_of(&issues, ISSUE_STALE_STATISTICS)->action, "ANALYZE public.orders"));
    of.is_never_analyzed = true;
    of.without_schema = true; /* the schema has statistics of it */
    check(arena, of, ISSUE_STALE_STATISTICS, "medium");
    of.rows_of_orders = 50; /* autovacuum does not analyse so small a table */
    check(arena, of, ISSUE_STALE_STATISTICS, "low");
    of.rows_of_orders = 51;
    check(arena, of, ISSUE_STALE_STATISTICS, "medium");
    of.rows_of_orders = 10001;
    check(arena, of, ISSUE_STALE_STATISTICS, "high");
    of.without_schema = false;
    of.text = "SELECT 1 FROM customers WHERE id = $1"; /* no round saw it: nothing is guessed */
    check(arena, of, ISSUE_STALE_STATISTICS, "none");
    issues = issues_of(arena, of);
    assert_int_equal(issues.tables_unknown, 1);
}

/* After a reset of the statistics, or a crash, no round tells when a table was analysed. */
static void
a_partitioned_table_of_a_round_is_not_told_as_never_analysed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    RelationRow row = {.schema_name = "public", .relation_name = "events", .kind = 'p', .row_estimate = -1};
    RelationRound round = {.rows = &row, .row_count = 1};
    FactCatalog schema = {.database_name = "shop", .snapshot = shop_snapshot(arena)};
    IssueCatalog catalog = issue_catalog_new(arena);
    issue_catalog_add_round(&catalog, "shop", &round);
    const IssueTable *events = map_value_at(catalog.tables, 0);
    assert_true(isnan(events->row_count) && !events->was_never_analyzed);
    issue_catalog_add_snapshot(&catalog, &schema);
    assert_true(events->row_count == 50000 && !events->was_never_analyzed);
}

static void
a_table_with_statistics_was_analysed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_customer, .is_never_analyzed = true, .without_schema = true};
    check(arena, of, ISSUE_STALE_STATISTICS, "medium");
    of.without_schema = false; /* its columns have statistics there: it was analysed, when is not known */
    check(arena, of, ISSUE_STALE_STATISTICS, "none");
    Issues issues = issues_of(arena, of);
    assert_int_equal(issues.tables_unknown, 1);
}

static void
a_row_count_is_wrong_from_a_fifth_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_customer, .plan = scan_plan(arena, "(customer_id = $1)", 100)};
    of.rows_per_call = 81;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.rows_per_call = 80;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "medium");
    of.rows_per_call = 50;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "high");
    of.calls = 9; /* too few to have a mean */
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.calls = 10;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "high");
    of.without_schema = true;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.without_schema = false;
    of.plan = scan_plan(arena, "(customer_id > $1)", 100); /* such a plan guesses the bound */
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.plan = scan_plan(arena, "(customer_id = ANY ($1))", 100); /* and the length of a list */
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.plan = scan_plan(arena, "(($1 IS NULL) OR (customer_id = $1))", 100);
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.plan = scan_plan(arena, "(customer_id = $1)", 100);
    of.text = "SELECT id FROM orders WHERE customer_id IN ($1 /*, ... */)"; /* as version 18 keeps lists */
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.text = by_customer;
    check(arena, of, ISSUE_WRONG_CARDINALITY, "high");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Nested Loop\", \"Plan Rows\": 100, \"Plans\": [{\"Node Type\": "
              "\"Function Scan\", \"Plan Rows\": 10}, {\"Node Type\": \"Seq Scan\", \"Relation Name\": "
              "\"orders\", \"Filter\": \"(customer_id = $1)\", \"Plan Rows\": 10}]}}]";
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.text = by_status; /* one status has three times as many rows as others */
    of.plan = scan_plan(arena, "(status = $1)", 100);
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of = (Case){.text = "SELECT id FROM orders WHERE status = $1 LIMIT $2", .rows_per_call = 1};
    of.plan = scan_plan(arena, NULL, 100);
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
    of.plan = "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Plan Rows\": 100, "
              "\"Actual Rows\": 79, \"Actual Loops\": 1}}]";
    check(arena, of, ISSUE_WRONG_CARDINALITY, "medium");
    Issues issues = issues_of(arena, of);
    assert_string_equal(issue_of(&issues, ISSUE_WRONG_CARDINALITY)->tables.items[0], "public.orders");
}

/* So many statements that differ in a list's length only. */
static Issues
issues_of_lists(Arena *arena, size_t count)
{
    ShopStatement *statements = ARENA_NEW_ARRAY(arena, ShopStatement, count + 1);
    for (size_t i = 0; i < count; i++) {
        Text text = text_new(arena);
        text_append(&text, "SELECT id FROM orders WHERE customer_id IN ($1");
        for (size_t p = 0; p < i; p++)
            text_append_format(&text, ", $%zu", p + 2);
        text_append(&text, ")");
        statements[i] = (ShopStatement){text.data, 10, 1, 1};
    }
    statements[count] = (ShopStatement){by_status, 10, 1, 1};
    WorkloadTemplates templates = shop_templates(arena, statements, count + 1);
    return issues_of_templates(arena, &templates, &(Case){.rows_of_orders = 100});
}

static void
more_than_twenty_statements_that_are_alike_are_generated(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Issues issues = issues_of_lists(arena, 20);
    assert_null(issue_of(&issues, ISSUE_ORM_GENERATED));
    assert_true(issues.statement_count == 21 && issues.without_plan == 21);
    issues = issues_of_lists(arena, 21);
    const Issue *issue = issue_of(&issues, ISSUE_ORM_GENERATED);
    assert_non_null(issue);
    assert_string_equal(issue_severity_word(issue->severity), "medium");
    assert_true(issue->value == 21 && issue->statement_count == 21);
    assert_int_equal(issue->statement_named, ISSUE_STATEMENTS_MOST);
    assert_true(issue->time_share > 0.95 && issue->time_share < 0.96);
}

/* Lists of 300 columns under the longest names: 20 times what the issues may take. */
static void
texts_of_many_columns_take_little_memory(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    const size_t count = 50;
    ShopStatement *statements = ARENA_NEW_ARRAY(arena, ShopStatement, count);
    Text text = text_new(arena);
    char *table = arena_printf(arena, "%063d", 0);
    memset(table, 't', 63);
    text_append_format(&text, "SELECT 1 FROM %s WHERE c0 = $1", table);
    for (size_t c = 1; c < 300; c++)
        text_append_format(&text, " AND c%zu = $%zu", c, c + 1);
    for (size_t i = 0; i < count; i++)
        statements[i] = (ShopStatement){text.data, 10, 1, 1};
    WorkloadTemplates templates = shop_templates(arena, statements, count);
    FactCatalog none = {0};
    StatementFacts *facts;
    facts_read(arena, &templates, &none, 0, &facts);
    assert_int_equal(facts[0].columns.count, 300);
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    IssueCatalog catalog = issue_catalog_new(arena);
    IssueInput input = {.templates = &templates, .facts = facts, .plans = &plans, .catalog = &catalog};
    Issues issues;
    size_t before_bytes = arena_used_bytes(arena);
    issues_find(arena, &input, &issues);
    assert_int_equal(issue_of(&issues, ISSUE_ORM_GENERATED)->statement_count, count);
    assert_true(arena_used_bytes(arena) - before_bytes < 100000);
}

/* Seven statements, each with three indexes' worth of errors on one table. */
static void
a_statement_with_several_finds_of_an_object_counts_once(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    const size_t count = 7;
    ShopStatement *statements = ARENA_NEW_ARRAY(arena, ShopStatement, count);
    PlanBook plans = {.plans = map_new(arena), .arena = arena};
    for (size_t i = 0; i < count; i++) {
        statements[i] = (ShopStatement){by_customer, 10, 1, 1};
        plan_book_add(&plans, "shop", (int64_t)i + 1,
                      "[{\"Plan\": {\"Node Type\": \"Append\", \"Plans\": [{\"Node Type\": \"Seq Scan\", "
                      "\"Relation Name\": \"orders\", \"Plan Rows\": 100, \"Actual Rows\": 10, \"Actual "
                      "Loops\": 1}, {\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Plan "
                      "Rows\": 200, \"Actual Rows\": 10, \"Actual Loops\": 1}]}}]");
    }
    WorkloadTemplates templates = shop_templates(arena, statements, count);
    Issues issues = issues_of_templates(arena, &templates, &(Case){.rows_of_orders = 100, .book = &plans});
    const Issue *issue = issue_of(&issues, ISSUE_WRONG_CARDINALITY);
    assert_non_null(issue);
    assert_int_equal(issue->statement_count, count);
    assert_true(issue->value == 0.95 && fabs(issue->time_share - 1) < 1e-9);
}

/* So many statements, each of a table of its own, that spill. */
static void
an_issue_names_some_of_its_tables_and_counts_all(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    const size_t count = 3 * ISSUE_TABLES_MOST;
    ShopStatement *statements = ARENA_NEW_ARRAY(arena, ShopStatement, count);
    for (size_t i = 0; i < count; i++) /* each table twice */
        statements[i] = (ShopStatement){arena_printf(arena, "SELECT 1 FROM t%zu", i / 2), 10, 1, 1};
    WorkloadTemplates templates = shop_templates(arena, statements, count);
    for (size_t i = 0; i < count; i++)
        templates.items[i].temp_blocks = 10000;
    Issues issues =
        issues_of_templates(arena, &templates, &(Case){.rows_of_orders = 100, .without_schema = true});
    const Issue *issue = issue_of(&issues, ISSUE_CONFIG_TUNING);
    assert_non_null(issue);
    assert_int_equal(issue->statement_count, count);
    assert_int_equal(issue->tables.count, ISSUE_TABLES_MOST);
    assert_int_equal(issue->table_count, count / 2);
}

static void
a_hit_ratio_below_nine_tenths_is_much_reading(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_status, .blocks_hit = 90000, .blocks_read = 10000};
    check(arena, of, ISSUE_HIGH_IO_WORKLOAD, "none");
    of.blocks_read = 10001;
    check(arena, of, ISSUE_HIGH_IO_WORKLOAD, "medium");
    check(arena, of, ISSUE_CONFIG_TUNING, "medium"); /* shared_buffers: 128 MB beside 1 GB */
    of.blocks_read = 90001;
    check(arena, of, ISSUE_HIGH_IO_WORKLOAD, "high");
    of = (Case){.text = by_status, .blocks_read = 9999}; /* too few to tell */
    check(arena, of, ISSUE_HIGH_IO_WORKLOAD, "none");
    check(arena, of, ISSUE_CONFIG_TUNING, "none");
}

static void
a_report_of_more_than_a_second_is_inefficient(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT status, count(*) FROM orders GROUP BY status", .mean_ms = 1000};
    check(arena, of, ISSUE_INEFFICIENT_REPORTING, "none");
    of.mean_ms = 1001;
    check(arena, of, ISSUE_INEFFICIENT_REPORTING, "medium");
    of.mean_ms = 10001;
    check(arena, of, ISSUE_INEFFICIENT_REPORTING, "high");
    of.text = by_status;
    check(arena, of, ISSUE_INEFFICIENT_REPORTING, "none");
}

static void
temporary_files_ask_for_work_mem_from_a_hundredth_of_all_blocks_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = by_status, .blocks_hit = 99000, .temp_blocks = 1000};
    check(arena, of, ISSUE_CONFIG_TUNING, "none");
    of.temp_blocks = 1001;
    check(arena, of, ISSUE_CONFIG_TUNING, "medium");
    Issues issues = issues_of(arena, of);
    const Issue *issue = issue_of(&issues, ISSUE_CONFIG_TUNING);
    assert_null(issue->database_name);
    assert_int_equal(issue->statement_count, 1);
    assert_non_null(strstr(issue->description, "it is 4.0 MB"));
    assert_non_null(strstr(issue->description, "1,001 blocks were"));
    of.block_bytes = 32768; /* as a server may be built */
    of.temp_blocks = 3200;
    issues = issues_of(arena, of);
    assert_non_null(strstr(issue_of(&issues, ISSUE_CONFIG_TUNING)->description, "100 MB were"));
}

static void
the_gravest_come_first_and_what_is_not_known_is_counted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    const ShopStatement statements[] = {{"SELECT count(*) FROM orders", 1, 2000, 1},
                                        {"SELECT count(*) FROM customers", 10, 20000, 1},
                                        {"SELECT count(*) FROM pg_class", 10, 20000, 1},
                                        {"SELEC", 1, 1, 1},
                                        {NULL, 1, 1, 1}};
    WorkloadTemplates templates = shop_templates(arena, statements, FETTLE_COUNT_OF(statements));
    Issues issues = issues_of_templates(arena, &templates, &(Case){.rows_of_orders = 100});
    assert_true(issues.count == 2 && issues.found_count == 2);
    assert_int_equal(issues.items[0].severity, ISSUE_HIGH);
    assert_int_equal(issues.items[1].severity, ISSUE_MEDIUM);
    assert_true(issues.statement_count == 4 && issues.without_text == 2 && issues.without_plan == 4);
    WorkloadTemplates none = {0};
    issues = issues_of_templates(arena, &none, &(Case){.rows_of_orders = 100});
    assert_true(issues.count == 0 && issues.statement_count == 0);
}

static void
a_measured_scan_that_a_limit_ended_is_no_error(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("issues", ARENA_BYTES);
    Case of = {.text = "SELECT id FROM orders LIMIT $1", .rows_of_orders = 100};
    of.plan =
        "[{\"Plan\": {\"Node Type\": \"Limit\", \"Plan Rows\": 10, \"Actual Rows\": 10, \"Actual Loops\": "
        "1, \"Plans\": [{\"Node Type\": \"Seq Scan\", \"Relation Name\": \"orders\", \"Plan Rows\": 1000000, "
        "\"Actual Rows\": 10, \"Actual Loops\": 1}]}}]";
    check(arena, of, ISSUE_WRONG_CARDINALITY, "none");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filter_that_no_index_serves_misses_one_from_1001_rows_on),
        cmocka_unit_test(a_scan_that_an_index_would_not_help_is_a_full_one),
        cmocka_unit_test(a_join_that_gives_out_few_rows_of_many_misses_an_index),
        cmocka_unit_test(a_scan_below_a_limit_is_told_only_when_it_was_measured),
        cmocka_unit_test(scans_of_partitions_are_one_of_their_table),
        cmocka_unit_test(each_partition_counts_by_its_greatest_scan_alone),
        cmocka_unit_test(a_plan_of_more_scans_than_are_read_tells_the_least),
        cmocka_unit_test(a_table_whose_rows_nobody_counted_misses_no_index),
        cmocka_unit_test(a_scan_that_stops_at_the_first_match_is_not_told),
        cmocka_unit_test(an_index_of_two_statements_is_neithers_fault),
        cmocka_unit_test(a_measured_scan_that_a_limit_ended_is_no_error),
        cmocka_unit_test(an_index_that_reads_1001_rows_to_keep_a_tenth_is_inefficient),
        cmocka_unit_test(a_nested_loop_of_more_than_10000_rows_is_poor),
        cmocka_unit_test(more_than_five_joins_are_no_good_pattern),
        cmocka_unit_test(statistics_are_stale_after_30_days_or_when_there_are_none),
        cmocka_unit_test(a_partitioned_table_of_a_round_is_not_told_as_never_analysed),
        cmocka_unit_test(a_table_with_statistics_was_analysed),
        cmocka_unit_test(a_row_count_is_wrong_from_a_fifth_on),
        cmocka_unit_test(more_than_twenty_statements_that_are_alike_are_generated),
        cmocka_unit_test(texts_of_many_columns_take_little_memory),
        cmocka_unit_test(a_statement_with_several_finds_of_an_object_counts_once),
        cmocka_unit_test(an_issue_names_some_of_its_tables_and_counts_all),
        cmocka_unit_test(a_hit_ratio_below_nine_tenths_is_much_reading),
        cmocka_unit_test(a_report_of_more_than_a_second_is_inefficient),
        cmocka_unit_test(temporary_files_ask_for_work_mem_from_a_hundredth_of_all_blocks_on),
        cmocka_unit_test(the_gravest_come_first_and_what_is_not_known_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
