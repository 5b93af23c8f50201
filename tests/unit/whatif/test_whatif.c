// SPDX-License-Identifier: PostgreSQL
#include "shop_twin.h"

#include "base/text.h"
#include "whatif/explain.h"
#include "whatif/whatif.h"

#include <math.h>
#include <string.h>

static WhatIf *
open_whatif(Arena *arena)
{
    WhatIf *whatif = NULL;
    Error error = {0};
    if (!whatif_over_twin(arena, shop_twin(), &whatif, &error))
        fail_msg("%s", error.message);
    return whatif;
}

static uint32_t
id_of(const char *name)
{
    return snapshot_relation_named(shop_snapshot(), "public", name)->id;
}

static WhatIfAnswer
ask(WhatIf *whatif, Arena *arena, const char *text, const char *table)
{
    uint32_t *ids = ARENA_NEW(arena, uint32_t);
    *ids = id_of(table);
    WhatIfStatement statement = {.text = text, .relation_ids = ids, .relation_count = 1};
    WhatIfAnswer answer = {0};
    Error error = {0};
    if (!whatif_cost(whatif, arena, &statement, true, &answer, &error))
        fail_msg("%s", error.message);
    return answer;
}

static WhatIfChangeResult *
begin(WhatIf *whatif, Arena *arena, const WhatIfChange *changes, size_t count)
{
    WhatIfChangeResult *results = NULL;
    Error error = {0};
    if (!whatif_begin(whatif, arena, changes, count, &results, &error))
        fail_msg("%s", error.message);
    return results;
}

static const char by_customer[] = "select * from orders where customer_id = 7";

static WhatIfChange
index_change(const char *name, const char *keys)
{
    return (WhatIfChange){
        .kind = WHATIF_CREATE_INDEX,
        .relation_id = id_of("orders"),
        .name = name,
        .statement = arena_printf(shop_arena(), "CREATE INDEX %s ON public.orders (%s)", name, keys)};
}

static void
an_index_is_tried_used_and_gone_again(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    WhatIfAnswer before = ask(whatif, arena, by_customer, "orders");
    assert_true(before.is_known && before.cost > 0 && before.used_indexes.count == 0);
    assert_string_equal(before.plan->root->node_type, "Seq Scan");
    WhatIfChange change = index_change("try_customer", "customer_id");
    WhatIfChangeResult *results = begin(whatif, arena, &change, 1);
    assert_true(results[0].is_applied && results[0].size_bytes > 50000 && results[0].size_bytes < 5e6);
    WhatIfAnswer with = ask(whatif, arena, by_customer, "orders");
    assert_true(with.cost < before.cost / 2);
    assert_true(text_list_contains(&with.used_indexes, "try_customer"));
    Error error = {0};
    assert_true(whatif_end(whatif, &error));
    WhatIfAnswer after = ask(whatif, arena, by_customer, "orders");
    assert_true(after.cost == before.cost);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    assert_true(cluster_connect(shop_cluster(), twin_database(shop_twin()), NULL, &connection, &error));
    assert_string_equal(
        test_server_value(arena, connection, "SELECT count(*) FROM pg_class WHERE relname LIKE 'try_%'"),
        "0");
}

static void
the_cost_is_that_of_the_index_really_built(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    WhatIfChange change = index_change("try_customer", "customer_id");
    WhatIfChangeResult *results = begin(whatif, arena, &change, 1);
    double cost = ask(whatif, arena, by_customer, "orders").cost;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *target = test_server_connect();
    Error error = {0};
    assert_true(pg_execute(target, "CREATE INDEX really_customer ON orders (customer_id)", &error));
    const char *json =
        test_server_value(arena, target, arena_printf(arena, "EXPLAIN (FORMAT JSON) %s", by_customer));
    const char *bytes = test_server_value(arena, target, "SELECT pg_relation_size('really_customer')");
    assert_true(pg_execute(target, "DROP INDEX really_customer", &error));
    PgPlan *plan = NULL;
    assert_true(pg_plan_parse(arena, json, strlen(json), &plan, &error));
    double size = 0;
    assert_true(text_parse_double(bytes, &size));
    assert_true(fabs(cost / plan->root->total_cost - 1) < 0.05);
    assert_true(results[0].size_bytes < 1.5 * size && size < 1.5 * results[0].size_bytes);
}

static void
a_refused_change_does_not_spoil_the_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    const WhatIfChange changes[] = {index_change("try_bad", "nosuch_column"),
                                    index_change("try_good", "customer_id"),
                                    {.kind = WHATIF_SETTING, .name = "nosuch.setting too", .value = "x"},
                                    {.kind = WHATIF_SETTING, .name = "enable_bitmapscan", .value = "off"}};
    WhatIfChangeResult *results = begin(whatif, arena, changes, FETTLE_COUNT_OF(changes));
    assert_false(results[0].is_applied);
    assert_contains(results[0].reason, "nosuch_column");
    assert_true(isnan(results[0].size_bytes));
    assert_true(results[1].is_applied && !results[2].is_applied && results[3].is_applied);
    WhatIfAnswer answer = ask(whatif, arena, by_customer, "orders");
    assert_string_not_equal(answer.plan->root->node_type, "Bitmap Heap Scan");
}

#define TOGETHER 8

/* Plain, of several columns, with an expression, partial with a quoted quote, unique, of other tables. */
static const WhatIfChange *
changes_many(void)
{
    static const char *const texts[TOGETHER] = {
        "CREATE INDEX try_0 ON public.orders (customer_id)",
        "CREATE INDEX try_1 ON public.orders (status, total)",
        "CREATE INDEX try_2 ON public.orders USING btree (lower(status))",
        "CREATE INDEX try_3 ON public.orders (total) WHERE status <> 'it''s -- \"not'",
        "CREATE UNIQUE INDEX try_4 ON public.orders (id, status)",
        "CREATE INDEX try_5 ON public.orders USING brin (id)",
        "CREATE INDEX try_6 ON public.customers (name)",
        "CREATE INDEX try_7 ON public.events (kind)", /* partitioned: goes its own way */
    };
    WhatIfChange *changes = ARENA_NEW_ARRAY(shop_arena(), WhatIfChange, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++)
        changes[i] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX,
                                    .relation_id = id_of(i < 6    ? "orders"
                                                         : i == 6 ? "customers"
                                                                  : "events"),
                                    .name = arena_printf(shop_arena(), "try_%zu", i),
                                    .statement = texts[i]};
    return changes;
}

static const char *const questions_many[][2] = {
    {"select * from orders where customer_id = 7", "orders"},
    {"select * from orders where status = 'state 1' and total > 19000", "orders"},
    {"select * from orders where lower(status) = 'x'", "orders"},
    {"select * from orders where total = 7 and status <> 'it''s -- \"not'", "orders"},
    {"select * from orders where id = 7 and status = 'state 2'", "orders"},
    {"select * from events where kind = 3", "events"},
};

static void
many_made_at_once_are_what_they_are_one_by_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *together = open_whatif(arena);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *alone = open_whatif(arena);
    const WhatIfChange *changes = changes_many();
    WhatIfChangeResult *one_by_one = NULL;
    for (size_t count = 1; count <= TOGETHER; count++) /* each time one is missing */
        one_by_one = begin(alone, arena, changes, count);
    WhatIfAnswer answers[FETTLE_COUNT_OF(questions_many)];
    for (size_t i = 0; i < FETTLE_COUNT_OF(questions_many); i++)
        answers[i] = ask(alone, arena, questions_many[i][0], questions_many[i][1]);
    Error error = {0};
    assert_true(whatif_end(alone, &error)); /* one session would wait for the other's names */
    WhatIfChangeResult *at_once = begin(together, arena, changes, TOGETHER);
    for (size_t i = 0; i < TOGETHER; i++) {
        assert_true(at_once[i].is_applied && one_by_one[i].is_applied);
        assert_null(at_once[i].reason);
        assert_string_equal(at_once[i].index_name, changes[i].name);
        assert_string_equal(one_by_one[i].index_name, changes[i].name);
        assert_true(at_once[i].size_bytes >= 8192 && at_once[i].size_bytes == one_by_one[i].size_bytes);
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(questions_many); i++) {
        WhatIfAnswer answer = ask(together, arena, questions_many[i][0], questions_many[i][1]);
        assert_true(answer.is_known && answer.cost == answers[i].cost && answer.used_indexes.count == 1);
        assert_string_equal(answer.used_indexes.items[0], answers[i].used_indexes.items[0]);
    }
    assert_int_equal(whatif_statistics(together).index_creations, TOGETHER);
    assert_int_equal(whatif_statistics(alone).index_creations, TOGETHER);
    if (twin_report(shop_twin())->method != TWIN_METHOD_SPARSE_FILES)
        assert_int_equal(whatif_statistics(together).index_scripts, 1);
    assert_int_equal(whatif_statistics(alone).index_scripts, 0);
    /* what stands, and what is asked for twice, is not made again */
    WhatIfChange twice[TOGETHER + 4];
    memcpy(twice, changes, TOGETHER * sizeof(*changes));
    twice[TOGETHER] = twice[TOGETHER + 1] = index_change("try_8", "note");
    twice[TOGETHER + 2] = index_change("try_9", "total");
    twice[TOGETHER + 3] = changes[0];
    WhatIfChangeResult *again = begin(together, arena, twice, FETTLE_COUNT_OF(twice));
    assert_int_equal(whatif_statistics(together).index_creations, TOGETHER + 2);
    for (size_t i = 0; i < FETTLE_COUNT_OF(twice); i++)
        assert_true(again[i].is_applied);
    assert_true(again[TOGETHER].size_bytes == again[TOGETHER + 1].size_bytes);
    assert_true(again[TOGETHER + 3].size_bytes == at_once[0].size_bytes);
}

/* What stands of a good index is what its question uses. */
static void
assert_used(WhatIf *whatif, Arena *arena, const char *text, const char *table, const char *name)
{
    WhatIfAnswer answer = ask(whatif, arena, text, table);
    assert_true(answer.is_known && text_list_contains(&answer.used_indexes, name));
}

static const struct {
    const char *statement;
    const char *reason; /* NULL: it is one index after all */
} not_plain[] = {
    {"CREATE INDEX try_bad ON public.orders (nosuch_column)", "nosuch_column"},
    {"CREATE INDEX try_bad ON public.orders (customer_id", "syntax error"},
    {"CREATE INDEX try_bad ON public.orders (customer_id) WHERE", "syntax error"},
    {"CREATE INDEX try_customer ON public.orders (status)", "already exists"},
    {"CREATE INDEX try_bad ON public.nosuch (id)", "nosuch"},
    {"CREATE INDEX CONCURRENTLY try_bad ON public.orders (id)", "transaction block"},
    {"CREATE INDEX try_bad ON public.orders (id); COMMIT; DROP TABLE public.orders", "multiple commands"},
    {"CREATE INDEX try_bad ON public.orders (id);", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = ';'", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) -- ; COMMIT", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) --", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) /* ; COMMIT */", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = $$'$$", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = E'\\''", NULL},
    {"CREATE INDEX try_bad ON public.orders (id) /*", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) /* /* */", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = '", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = E'\\'", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (\"", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE note = $x$", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE id = 1$$", "unterminated"},
    {"CREATE INDEX try_bad ON public.orders (id) WHERE id = 1e'\\'", ""},
    {"CREATE INDEX try_other ON public.orders (id)", "try_bad"},
    {"REINDEX TABLE public.orders", "creates no index"},
    {"COMMIT", "creates no index"},
};

static void
one_of_many_that_is_refused_or_no_plain_index_leaves_the_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    for (size_t i = 0; i < FETTLE_COUNT_OF(not_plain); i++) {
        WhatIfChange changes[] = {index_change("try_customer", "customer_id"),
                                  index_change("try_total", "total"), index_change("try_bad", "id"),
                                  index_change("try_note", "note")};
        changes[2].statement = not_plain[i].statement;
        int64_t creations = whatif_statistics(whatif).index_creations;
        WhatIfChangeResult *results = begin(whatif, arena, changes, FETTLE_COUNT_OF(changes));
        assert_int_equal(results[2].is_applied, not_plain[i].reason == NULL);
        assert_int_equal(isnan(results[2].size_bytes), not_plain[i].reason != NULL);
        if (not_plain[i].reason != NULL)
            assert_contains(results[2].reason, not_plain[i].reason);
        assert_true(results[0].is_applied && results[1].is_applied && results[3].is_applied);
        assert_true(results[0].size_bytes > 8192 && results[1].size_bytes > 8192);
        assert_int_equal(whatif_statistics(whatif).index_creations,
                         creations + (not_plain[i].reason == NULL ? 4 : 3));
        /* another question each time: none comes from the cache */
        const char *total = arena_printf(arena, "select * from orders where total = %zu", i);
        const char *note = arena_printf(arena, "select * from orders where note = '%zu'", i);
        const char *customer = arena_printf(arena, "select * from orders where customer_id = %zu", i);
        assert_used(whatif, arena, customer, "orders", "try_customer");
        assert_used(whatif, arena, total, "orders", "try_total");
        assert_used(whatif, arena, note, "orders", "try_note");
        Error error = {0};
        assert_true(whatif_end(whatif, &error));
    }
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    assert_true(cluster_connect(shop_cluster(), twin_database(shop_twin()), NULL, &connection, &error));
    assert_string_equal(test_server_value(arena, connection,
                                          "SELECT count(*) FILTER (WHERE relname LIKE 'try_%') || ' ' || "
                                          "count(*) FILTER (WHERE relname = 'orders') FROM pg_class"),
                        "0 1");
}

/* A refusal goes back to the savepoint that was made for it, not to an earlier one. */
static void
what_stands_outlives_the_refusals_after_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    WhatIfChange changes[] = {index_change("try_bad", "nosuch_column"),
                              index_change("try_customer", "customer_id"), index_change("try_total", "total"),
                              index_change("try_worse", "id, "), index_change("try_note", "note")};
    (void)begin(whatif, arena, changes, 2);
    WhatIfChangeResult *results = begin(whatif, arena, changes, FETTLE_COUNT_OF(changes));
    assert_false(results[0].is_applied || results[3].is_applied);
    assert_contains(results[0].reason, "nosuch_column");
    assert_contains(results[3].reason, "syntax error");
    assert_used(whatif, arena, by_customer, "orders", "try_customer");
    assert_used(whatif, arena, "select * from orders where total = 7", "orders", "try_total");
    assert_used(whatif, arena, "select * from orders where note = 'y'", "orders", "try_note");
    assert_int_equal(whatif_statistics(whatif).index_creations, 3);
}

/* The one is not ended, and the other, by the name of an index that is there, is its rest. */
static void
two_texts_do_not_become_one_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    static const char *const pairs[][2] = {
        {"CREATE INDEX try_half ON public.orders (id) /*", "*/ WHERE id = 1"},
        {"CREATE INDEX try_half ON public.orders (id) /*", "CREATE INDEX */ WHERE id = 1"},
        {"CREATE INDEX try_half ON public.orders (id) WHERE note = '",
         "CREATE INDEX x ON public.orders (id) WHERE note = ' or id = 1"},
        {"CREATE INDEX try_half ON public.orders (id) WHERE note = $$", "CREATE INDEX $$"},
        {"CREATE INDEX try_half ON public.orders (id) WHERE id = 1 or note = E'\\'", "CREATE INDEX '"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(pairs); i++) {
        FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
        WhatIfChange changes[] = {index_change("try_half", "id"), index_change("orders_pkey", "id")};
        changes[0].statement = pairs[i][0];
        changes[1].statement = pairs[i][1];
        WhatIfChangeResult *results = begin(whatif, arena, changes, 2);
        assert_false(results[0].is_applied || results[1].is_applied);
        assert_int_equal(whatif_statistics(whatif).index_creations, 0);
    }
}

/* Of the indexes those that stand before it are made at once, those behind it in their turn. */
static void
an_index_that_needs_another_change_is_made_after_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    const WhatIfChange changes[] = {index_change("try_total", "total"),
                                    index_change("try_note", "note"),
                                    {.kind = WHATIF_DDL,
                                     .relation_id = id_of("orders"),
                                     .statement = "ALTER TABLE public.orders RENAME note TO remark"},
                                    index_change("try_status", "status"),
                                    index_change("try_gone", "note"),
                                    index_change("try_customer", "customer_id")};
    WhatIfChangeResult *results = begin(whatif, arena, changes, FETTLE_COUNT_OF(changes));
    for (size_t i = 0; i < FETTLE_COUNT_OF(changes); i++)
        assert_int_equal(results[i].is_applied, i != 4);
    assert_contains(results[4].reason, "note");
    assert_int_equal(whatif_statistics(whatif).index_creations, 4);
}

static void
settings_dropped_indexes_and_other_statements_are_tried_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    static const char by_id[] = "select * from orders where id = 7";
    const SnapshotRelation *orders = snapshot_relation_named(shop_snapshot(), "public", "orders");
    double with_index = ask(whatif, arena, by_id, "orders").cost;
    const WhatIfChange off = {.kind = WHATIF_SETTING, .name = "seq_page_cost", .value = "10"};
    double cheap = ask(whatif, arena, by_customer, "orders").cost;
    assert_true(begin(whatif, arena, &off, 1)[0].is_applied);
    assert_true(ask(whatif, arena, by_customer, "orders").cost > cheap);
    const WhatIfChange drop = {.kind = WHATIF_DDL,
                               .relation_id = orders->id,
                               .statement = "ALTER TABLE public.orders DROP CONSTRAINT orders_pkey"};
    assert_true(begin(whatif, arena, &drop, 1)[0].is_applied);
    assert_true(ask(whatif, arena, by_id, "orders").cost > 10 * with_index);
    Error error = {0};
    assert_true(whatif_end(whatif, &error));
    assert_true(ask(whatif, arena, by_id, "orders").cost == with_index);
    assert_true(ask(whatif, arena, by_customer, "orders").cost == cheap);
}

static void
each_question_is_asked_once_unless_a_change_concerns_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    static const char other[] = "select * from customers where name = 'x'";
    (void)ask(whatif, arena, by_customer, "orders");
    (void)ask(whatif, arena, other, "customers");
    WhatIfStatistics first = whatif_statistics(whatif);
    assert_int_equal(first.questions, 2);
    (void)ask(whatif, arena, by_customer, "orders");
    assert_int_equal(whatif_statistics(whatif).explains, first.explains);
    WhatIfChange change = index_change("try_customer", "customer_id");
    (void)begin(whatif, arena, &change, 1);
    (void)ask(whatif, arena, other, "customers"); /* no change of its table */
    assert_int_equal(whatif_statistics(whatif).explains, first.explains);
    (void)ask(whatif, arena, by_customer, "orders");
    WhatIfStatistics last = whatif_statistics(whatif);
    assert_int_equal(last.explains, first.explains + 1);
    assert_true(last.index_creations == 1 && last.cache_hits >= 2 && last.questions == 5 &&
                last.server_ms > 0);
}

static void
samples_are_costed_each_and_parameters_by_their_generic_plan(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    WhatIfAnswer generic = ask(whatif, arena, "select * from orders where customer_id = $1", "orders");
    assert_true(generic.is_known && generic.is_generic && generic.generic_cost == generic.cost);
    WhatIfAnswer priced = ask(whatif, arena, "select * from orders where note = '$5'", "orders");
    assert_true(priced.is_known && !priced.is_generic && isnan(priced.generic_cost));
    static const char *const samples[] = {"select * from orders where id < 10",
                                          "select * from orders where id < 20000"};
    uint32_t ids[] = {id_of("orders")};
    WhatIfStatement statement = {.text = "select * from orders where id < $1",
                                 .samples = samples,
                                 .sample_count = 2,
                                 .relation_ids = ids,
                                 .relation_count = 1};
    WhatIfAnswer both = {0};
    Error error = {0};
    assert_true(whatif_cost(whatif, arena, &statement, false, &both, &error));
    double mean =
        (ask(whatif, arena, samples[0], "orders").cost + ask(whatif, arena, samples[1], "orders").cost) / 2;
    assert_true(!both.is_generic && fabs(both.cost - mean) < 1e-6);
    assert_true(isnan(both.generic_cost) && both.plan == NULL);
    assert_int_equal(both.sample_mask, 3);
    assert_int_equal(generic.sample_mask, 0);
    /* of the others, and said so: the same text with other samples is another question */
    const char *const some[] = {"select * from nosuch", samples[0], samples[1]};
    statement.samples = some;
    statement.sample_count = 3;
    assert_true(whatif_cost(whatif, arena, &statement, false, &both, &error));
    assert_true(both.is_known && fabs(both.cost - mean) < 1e-6);
    assert_int_equal(both.sample_mask, 6);
}

/* Of orders, on the twin; what it had comes back. */
static void
resize_orders(Arena *arena, const char *blocks, const char *rows)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = NULL;
    Error error = {0};
    assert_true(cluster_connect(shop_cluster(), twin_database(shop_twin()), NULL, &connection, &error));
    assert_true(pg_execute(connection,
                           arena_printf(arena,
                                        "UPDATE pg_class SET relrewrite = (%s + 1)::oid, relpages = %s, "
                                        "reltuples = %s WHERE oid = 'public.orders'::regclass",
                                        blocks, blocks, rows),
                           &error));
}

static void
workers_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    bool *has_workers = context;
    *has_workers = *has_workers || !isnan(node->workers_planned);
}

/* Two workers by the table's size, one by what the index reads of it, and a join that bears the rows. */
static void
fewer_indexes_cost_no_less_than_the_least_cost_where_an_index_leaves_fewer_workers(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    static const char query[] =
        "select count(*) from orders o join customers c on c.id < o.id where o.customer_id < 5";
    const SnapshotRelation *orders = snapshot_relation_named(shop_snapshot(), "public", "orders");
    resize_orders(arena, "4082", "200000");
    WhatIf *whatif = open_whatif(arena);
    /* the second two make the plan with the index, but not the one without, do without workers */
    const WhatIfChange changes[] = {
        index_change("try_customer", "customer_id"),
        {.kind = WHATIF_SETTING, .name = "enable_indexscan", .value = "off"},
        {.kind = WHATIF_SETTING, .name = "enable_indexonlyscan", .value = "off"},
    };
    WhatIfAnswer without[2], with[2];
    for (size_t i = 0; i < 2; i++) {
        (void)begin(whatif, arena, changes + 1, i == 0 ? 0 : 2);
        without[i] = ask(whatif, arena, query, "orders");
        (void)begin(whatif, arena, changes, i == 0 ? 1 : 3);
        with[i] = ask(whatif, arena, query, "orders");
    }
    whatif_close(whatif);
    resize_orders(arena, arena_printf(arena, "%lld", (long long)orders->size_blocks), "20000");
    for (size_t i = 0; i < 2; i++) {
        assert_true(without[i].is_known && without[i].least_cost == without[i].cost);
        assert_true(without[i].is_narrowing_known && without[i].narrowing.count == 0);
        assert_true(text_list_contains(&with[i].used_indexes, "try_customer"));
        assert_true(with[i].cost > without[i].cost);
        assert_true(with[i].least_cost <= without[i].cost && with[i].least_cost > 0.8 * without[i].cost);
        assert_true(with[i].is_narrowing_known && with[i].narrowing.count == 1);
        assert_string_equal(with[i].narrowing.items[0], "try_customer");
        assert_int_equal(without[i].least_indexes.count, 0);
        assert_false(text_list_contains(&with[i].least_indexes, "try_customer"));
    }
    bool has_workers[2] = {false, false};
    for (size_t i = 0; i < 2; i++)
        pg_plan_walk(with[i].plan, workers_visit, &has_workers[i]);
    assert_true(has_workers[0] && !has_workers[1]);
}

static void
parameters_are_counted_once_a_text(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Explainer explainer = explainer_new(arena, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(explainer_parameter_count(&explainer, "select $2 + $1 where '$3' <> ''"), 2);
        assert_int_equal(explainer_parameter_count(&explainer, "select 1"), 0);
        assert_int_equal(explainer_parameter_count(&explainer, "no statement, $1"), 0);
    }
    assert_int_equal(map_count(explainer.read), 3);
}

static void
what_cannot_be_planned_is_an_answer(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    static const char *const texts[] = {"select * from nosuch",
                                        "select * form orders",
                                        "select 1; select 2",
                                        "",
                                        "select nosuch_function(id) from orders",
                                        "vacuum orders"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        WhatIfAnswer answer = ask(whatif, arena, texts[i], "orders");
        assert_false(answer.is_known);
        assert_true(answer.reason != NULL && answer.reason[0] != '\0');
        assert_true(ask(whatif, arena, by_customer, "orders").is_known);
    }
    whatif_close(NULL);
}

#define AT_ONCE 8

static const char *const questions_at_once[AT_ONCE][2] = {
    {"select * from orders where customer_id = 7", "orders"},
    {"update orders set total = 1 where customer_id = 8", "orders"},
    {"select * from orders where status = 'state 1' and total > 19000", "orders"},
    {"delete from orders where lower(status) = 'x'", "orders"},
    {"select * from orders where id = 7 and status = 'state 2'", "orders"},
    {"select * from events where kind = 3", "events"},
    {"select * from customers where name = 'nobody'", "customers"},
    {"with o as (select * from orders where customer_id = 9) select count(*) from o", "orders"},
};

/* Each under the first, the last or all of the changes. */
static WhatIfQuestion *
questions_begin(Arena *arena, const WhatIfChange *changes)
{
    WhatIfQuestion *questions = ARENA_NEW_ARRAY(arena, WhatIfQuestion, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        uint32_t *ids = ARENA_NEW(arena, uint32_t);
        *ids = id_of(questions_at_once[i][1]);
        WhatIfStatement *statement = ARENA_NEW(arena, WhatIfStatement);
        *statement =
            (WhatIfStatement){.text = questions_at_once[i][0], .relation_ids = ids, .relation_count = 1};
        questions[i] = (WhatIfQuestion){
            .changes = i % 3 == 1 ? changes + 4 : changes,
            .change_count = i % 3 == 0   ? 4
                            : i % 3 == 1 ? TOGETHER - 4
                                         : TOGETHER,
            .statement = statement,
            .with_plan = i % 2 == 0,
        };
    }
    return questions;
}

/* What whatif_begin() and whatif_cost() say of it. */
static WhatIfAnswer
question_ask(WhatIf *whatif, Arena *arena, const WhatIfQuestion *question, WhatIfChangeResult **ret_results)
{
    WhatIfAnswer answer = {0};
    Error error = {0};
    *ret_results = begin(whatif, arena, question->changes, question->change_count);
    if (!whatif_cost(whatif, arena, question->statement, question->with_plan, &answer, &error))
        fail_msg("%s", error.message);
    return answer;
}

static void
assert_same_names(const TextList *one, const TextList *other)
{
    assert_int_equal(one->count, other->count);
    for (size_t i = 0; i < one->count; i++)
        assert_string_equal(one->items[i], other->items[i]);
}

static void
assert_same_answer(const WhatIfAnswer *one, const WhatIfAnswer *other)
{
    assert_true(one->is_known && other->is_known && one->cost == other->cost);
    assert_true(one->least_cost == other->least_cost);
    assert_same_names(&one->used_indexes, &other->used_indexes);
    assert_true(one->is_narrowing_known == other->is_narrowing_known);
    assert_same_names(&one->narrowing, &other->narrowing);
    assert_same_names(&one->least_indexes, &other->least_indexes);
    assert_true((one->plan == NULL) == (other->plan == NULL));
    if (one->plan != NULL)
        assert_true(pg_plan_is_identical(one->plan, other->plan));
}

static void
several_questions_at_once_are_answered_as_they_are_one_by_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *alone = open_whatif(arena);
    const WhatIfChange *changes = changes_many();
    WhatIfQuestion *questions = questions_begin(arena, changes);
    WhatIfChangeResult *results[AT_ONCE];
    WhatIfAnswer answers[AT_ONCE];
    Error error = {0};
    whatif_set_sessions(alone, 1);
    whatif_expect(alone, arena, questions, AT_ONCE);
    assert_int_equal(whatif_statistics(alone).explains, 0);
    for (size_t i = 0; i < AT_ONCE; i++)
        answers[i] = question_ask(alone, arena, &questions[i], &results[i]);
    assert_true(whatif_end(alone, &error));
    bool is_sparse = twin_report(shop_twin())->method == TWIN_METHOD_SPARSE_FILES;
    for (int sessions = 2; sessions <= WHATIF_SESSIONS_MOST; sessions++) {
        FETTLE_CLEANUP(whatif_close_at) WhatIf *several = open_whatif(arena);
        whatif_set_sessions(several, sessions);
        for (int round = 0; round < 2; round++) { /* the second asks nothing */
            whatif_expect(several, arena, questions, AT_ONCE);
            int64_t explains = whatif_statistics(several).explains;
            assert_int_equal(whatif_statistics(several).questions, round * AT_ONCE);
            assert_true(is_sparse || explains == AT_ONCE);
            for (size_t i = 0; i < AT_ONCE; i++) {
                WhatIfChangeResult *said;
                WhatIfAnswer answer = question_ask(several, arena, &questions[i], &said);
                assert_same_answer(&answer, &answers[i]);
                for (size_t k = 0; k < questions[i].change_count; k++) {
                    assert_true(said[k].is_applied && said[k].size_bytes == results[i][k].size_bytes);
                    assert_string_equal(said[k].index_name, questions[i].changes[k].name);
                }
            }
            assert_true(is_sparse || whatif_statistics(several).explains == explains);
        }
        /* what was not expected is asked beside it, also of what the other sessions made and wrote */
        WhatIfAnswer answer = ask(several, arena, "delete from orders where customer_id = 7", "orders");
        assert_true(answer.is_known);
    }
}

/* Other sessions that were asked about the table hold no locks that an index of it, or a column, must wait
 * for.
 */
static void
what_is_dropped_after_several_questions_waits_for_nobody(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    Error error = {0};
    const WhatIfChange index = index_change("beside", "total");
    const WhatIfChange mixed[] = {{.kind = WHATIF_DDL,
                                   .relation_id = id_of("orders"),
                                   .statement = "ALTER TABLE public.orders DROP COLUMN total CASCADE"},
                                  index};
    whatif_set_sessions(whatif, 3);
    whatif_expect(whatif, arena, questions_begin(arena, changes_many()), AT_ONCE);
    WhatIfChangeResult *results = begin(whatif, arena, mixed, 2);
    if (!results[0].is_applied)
        fail_msg("%s", results[0].reason);
    assert_true(results[0].is_applied && !results[1].is_applied);
    assert_true(whatif_end(whatif, &error));
    /* that it could not be beside the other change says nothing of it alone */
    assert_true(begin(whatif, arena, &index, 1)[0].is_applied);
}

static void
a_sample_that_is_refused_leaves_the_indexes_to_the_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    const WhatIfChange index = index_change("by_total", "total");
    const char *const samples[] = {"select * from orders where total = 'many'",
                                   "select * from orders where total = 7",
                                   "select * from orders where total = 8"};
    uint32_t ids[] = {id_of("orders")};
    WhatIfStatement statement = {.text = "select * from orders where total = $1",
                                 .samples = samples,
                                 .sample_count = 3,
                                 .relation_ids = ids,
                                 .relation_count = 1};
    Error error = {0};
    WhatIfAnswer all = {0}, good = {0};
    begin(whatif, arena, &index, 1);
    assert_true(whatif_cost(whatif, arena, &statement, false, &all, &error));
    statement.samples = samples + 1;
    statement.sample_count = 2;
    assert_true(whatif_cost(whatif, arena, &statement, false, &good, &error));
    assert_true(all.is_known);
    assert_int_equal(all.sample_mask, 6);
    assert_int_equal(good.sample_mask, 3);
    assert_true(all.cost == good.cost && all.used_indexes.count == 1);
}

static void
plans_of_further_sessions_are_the_askers(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    const WhatIfChange changes[] = {index_change("good", "customer_id"),
                                    index_change("bad", "no_such_column")};
    WhatIfQuestion *questions = questions_begin(arena, changes_many());
    for (size_t i = 0; i < AT_ONCE; i++) {
        questions[i].changes = changes;
        questions[i].change_count = 2;
        questions[i].with_plan = true;
    }
    whatif_set_sessions(whatif, 2);
    for (int round = 0; round < 3; round++) {
        whatif_expect(whatif, arena, questions, AT_ONCE);
        for (size_t i = 0; i < AT_ONCE; i++) {
            WhatIfChangeResult *results;
            WhatIfAnswer answer = question_ask(whatif, arena, &questions[i], &results);
            assert_true(answer.is_known && answer.plan != NULL && answer.plan->root->total_cost > 0);
        }
    }
}

static void
what_is_refused_at_once_is_refused_in_the_servers_words_all_the_same(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)256 << 20);
    FETTLE_CLEANUP(whatif_close_at) WhatIf *whatif = open_whatif(arena);
    const WhatIfChange changes[] = {index_change("good_0", "customer_id"),
                                    index_change("bad_1", "no_such_column"), index_change("good_2", "total")};
    WhatIfQuestion *questions = questions_begin(arena, changes_many());
    for (size_t i = 0; i < AT_ONCE; i++) {
        questions[i].changes = changes;
        questions[i].change_count = 3;
    }
    questions[2].statement = &(WhatIfStatement){.text = "select * from no_such_table"};
    questions[5].statement = NULL;
    whatif_set_sessions(whatif, 3);
    whatif_expect(whatif, arena, questions, AT_ONCE);
    for (size_t i = 0; i < AT_ONCE; i++) {
        WhatIfChangeResult *results = begin(whatif, arena, changes, 3);
        assert_true(results[0].is_applied && !results[1].is_applied && results[2].is_applied);
        assert_non_null(strstr(results[1].reason, "no_such_column"));
        WhatIfAnswer answer = ask(whatif, arena, by_customer, "orders");
        assert_true(answer.is_known && answer.used_indexes.count == 1);
        assert_string_equal(answer.used_indexes.items[0], "good_0");
        answer = ask(whatif, arena, "select * from no_such_table", "orders");
        assert_false(answer.is_known);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_questions_at_once_are_answered_as_they_are_one_by_one),
        cmocka_unit_test(what_is_dropped_after_several_questions_waits_for_nobody),
        cmocka_unit_test(a_sample_that_is_refused_leaves_the_indexes_to_the_others),
        cmocka_unit_test(plans_of_further_sessions_are_the_askers),
        cmocka_unit_test(what_is_refused_at_once_is_refused_in_the_servers_words_all_the_same),
        cmocka_unit_test(an_index_is_tried_used_and_gone_again),
        cmocka_unit_test(the_cost_is_that_of_the_index_really_built),
        cmocka_unit_test(a_refused_change_does_not_spoil_the_others),
        cmocka_unit_test(many_made_at_once_are_what_they_are_one_by_one),
        cmocka_unit_test(one_of_many_that_is_refused_or_no_plain_index_leaves_the_others),
        cmocka_unit_test(what_stands_outlives_the_refusals_after_it),
        cmocka_unit_test(two_texts_do_not_become_one_statement),
        cmocka_unit_test(an_index_that_needs_another_change_is_made_after_it),
        cmocka_unit_test(settings_dropped_indexes_and_other_statements_are_tried_too),
        cmocka_unit_test(each_question_is_asked_once_unless_a_change_concerns_it),
        cmocka_unit_test(samples_are_costed_each_and_parameters_by_their_generic_plan),
        cmocka_unit_test(fewer_indexes_cost_no_less_than_the_least_cost_where_an_index_leaves_fewer_workers),
        cmocka_unit_test(parameters_are_counted_once_a_text),
        cmocka_unit_test(what_cannot_be_planned_is_an_answer),
    };
    return cmocka_run_group_tests(tests, shop_twin_start, shop_twin_stop);
}
