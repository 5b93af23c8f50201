// SPDX-License-Identifier: PostgreSQL
/*
 * Conditions on one relation, and what stands on their other side.
 */
#include "analysis_check.h"

static void
conditions_are_told_by_kind_operator_and_other_side(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from orders where 5 < total", "orders orders L0 [id total] | orders.total range > 5"},
        {"select id from orders where $1 = status and total >= $2",
         "orders orders L0 [id status total] | orders.status equal = $1 | orders.total range >= $2"},
        {"select id from orders where total between $1 and 10",
         "orders orders L0 [id total] | orders.total range >= $1 | orders.total range <= 10"},
        {"select id from orders where total not between 1 and 2",
         "orders orders L0 [id total] | orders.total range < 1 or1 | orders.total range > 2 or1"},
        {"select id from orders where not total < 5",
         "orders orders L0 [id total] | orders.total range >= 5"},
        {"select id from orders where not (status = 'a' and total = 1)",
         "orders orders L0 [id status total] | orders.status not_equal <> 'a' or1 | orders.total not_equal "
         "<> 1 or1"},
        {"select id from orders where not (status = 'a' or total = 1)",
         "orders orders L0 [id status total] | orders.status not_equal <> 'a' | orders.total not_equal <> 1"},
        {"select id from orders where status in ('a','b','c')",
         "orders orders L0 [id status] | orders.status in = #3"},
        {"select id from orders where status not in ('a','b')",
         "orders orders L0 [id status] | orders.status not_equal <> #2"},
        {"select id from orders where not status in ('a')",
         "orders orders L0 [id status] | orders.status not_equal <> #1"},
        {"select id from orders where status = any($1)",
         "orders orders L0 [id status] | orders.status in = $1"},
        {"select id from orders where status = any(array['a','b'])",
         "orders orders L0 [id status] | orders.status in = ARRAY['a', 'b'] #2"},
        {"select id from orders where status = any('{a,b,c}'::text[])",
         "orders orders L0 [id status] | orders.status in = '{a,b,c}'::text[] #3"},
        {"select id from orders where status <> all($1)",
         "orders orders L0 [id status] | orders.status not_equal <> $1"},
        {"select id from orders where total > any($1)",
         "orders orders L0 [id total] | orders.total other > $1"},
        {"select id from orders where shipped_on is null",
         "orders orders L0 [id shipped_on] | orders.shipped_on is_null"},
        {"select id from orders where shipped_on is not null",
         "orders orders L0 [id shipped_on] | orders.shipped_on is_not_null"},
        {"select id from orders where not shipped_on is null",
         "orders orders L0 [id shipped_on] | orders.shipped_on is_not_null"},
        {"select id from customers where active",
         "customers customers L0 [id active] | customers.active boolean true"},
        {"select id from customers where not active",
         "customers customers L0 [id active] | customers.active boolean false"},
        {"select id from customers where active is true and active is not false",
         "customers customers L0 [id active] | customers.active boolean true | customers.active other"},
        {"select id from customers where active = true",
         "customers customers L0 [id active] | customers.active equal = true"},
        {"select id from orders where status is distinct from 'a'",
         "orders orders L0 [id status] | orders.status other is distinct from 'a'"},
        {"select id from orders where status is not distinct from 'a'",
         "orders orders L0 [id status] | orders.status other is not distinct from 'a'"},
        {"select id from orders where (status, total) = ('a', 5)",
         "orders orders L0 [id status total] | orders.status equal = 'a' | orders.total equal = 5"},
        {"select id from orders where (created_at, id) < ($1, $2) order by created_at desc, id desc limit 20",
         "orders orders L0 [id created_at] | orders.created_at range < $1 | orders.id other < $2 | order "
         "orders.created_at desc, orders.id desc limit 20"},
        {"select id from orders where (customer_id, status) in ((1,'a'),(2,'b'))",
         "orders orders L0 [id customer_id status] | orders.customer_id in = #2 or1 | orders.status in = #2 "
         "or1"},
        {"select id from orders where status = 'a' or total > 5 and customer_id = 3",
         "orders orders L0 [id customer_id status total] | orders.status equal = 'a' or1 | orders.total "
         "range > 5 or1 | orders.customer_id equal = 3 or1"},
        {"select id from orders where (status = 'a' or status = 'b') and (total = 1 or total = 2)",
         "orders orders L0 [id status total] | orders.status equal = 'a' or1 | orders.status equal = 'b' or1 "
         "| orders.total equal = 1 or2 | orders.total equal = 2 or2"},
        {"select id from orders where total = 1 + 2", "orders orders L0 [id total] | orders.total equal ="},
        {"select id from orders where total + 1 = 5",
         "orders orders L0 [id total] | orders.{total + 1} equal = 5"},
        {"select id from orders where created_at > now() - interval '1 day'",
         "orders orders L0 [id created_at] | orders.created_at range >"},
        {"select id from orders where created_at > '2024-01-01'::timestamp",
         "orders orders L0 [id created_at] | orders.created_at range > '2024-01-01'::timestamp without time "
         "zone"},
        {"select id from orders where id = -5 and total = 1.5",
         "orders orders L0 [id total] | orders.id equal = -5 | orders.total equal = 1.5"},
        {"select id from orders where id = customer_id",
         "orders orders L0 [id customer_id] | orders.id other ="},
        {"select id from orders where id = id + 1", "orders orders L0 [id] | orders.id other ="},
        {"select id from orders where true", "orders orders L0 [id]"},
        {"select id from orders where status = null",
         "orders orders L0 [id status] | orders.status equal = NULL"},
        {"select id from orders where case when total > 1 then status = 'a' else true end",
         "orders orders L0 [id status total] | orders. other"},
        {"select id from orders where coalesce(status, 'x') = 'y'",
         "orders orders L0 [id status] | orders.{COALESCE(status, 'x')} equal = 'y'"},
        {"select id from orders where nullif(total, 0) > 5",
         "orders orders L0 [id total] | orders. other > 5"},
        {"select id from orders where (status, total) <> ('a', 5)",
         "orders orders L0 [id status total] | orders.status other <> 'a' | orders.total other <> 5"},
        {"select id from orders where not (status, total) = ('a', 5)",
         "orders orders L0 [id status total] | orders.status other = 'a' | orders.total other = 5"},
        {"select id from orders where status in ('a', $1)",
         "orders orders L0 [id status] | orders.status in = #2"},
        {"select id from orders where total in (1, customer_id)",
         "orders orders L0 [id customer_id total] | orders.total other = #2"},
        {"select id from orders where status = any('{}'::text[]) or status = any('{\"a,b\",c}')",
         "orders orders L0 [id status] | orders.status in = '{}'::text[] #0 or1 | orders.status in = "
         "'{\"a,b\",c}' or1"},
        {"select id from orders where 'x' = status and 5 <= total and 3 <> id",
         "orders orders L0 [id status total] | orders.status equal = 'x' | orders.total range >= 5 | "
         "orders.id not_equal <> 3"},
        {"select id from orders where not (shipped_on is not null)",
         "orders orders L0 [id shipped_on] | orders.shipped_on is_null"},
        {"select id from orders where total = random()",
         "orders orders L0 [id total] | orders.total other = | volatile"},
        {"select id from orders where status = current_user",
         "orders orders L0 [id status] | orders.status equal ="},
        {"select id from orders where total = -$1", "orders orders L0 [id total] | orders.total equal ="},
        {"select id from orders where not active_unknown",
         "orders orders L0 [id] | unresolved 1 active_unknown"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

static void
jsonb_arrays_and_text_search_have_their_own_kinds(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from customers where attributes @> '{\"a\":1}'",
         "customers customers L0 [id attributes] | customers.attributes contains @> '{\"a\":1}'"},
        {"select id from customers where attributes @> $1",
         "customers customers L0 [id attributes] | customers.attributes contains @> $1"},
        {"select id from customers where attributes ? 'k'",
         "customers customers L0 [id attributes] | customers.attributes contains ? 'k'"},
        {"select id from customers where attributes ?| array['a','b']",
         "customers customers L0 [id attributes] | customers.attributes contains ?| ARRAY['a', 'b']"},
        {"select id from customers where attributes ?& $1",
         "customers customers L0 [id attributes] | customers.attributes contains ?& $1"},
        {"select id from customers where attributes -> 'a' ? 'b'",
         "customers customers L0 [id attributes] | customers.{attributes -> 'a'} contains ? 'b'"},
        {"select id from customers where attributes @? '$.a' and attributes @@ '$.a > 1'",
         "customers customers L0 [id attributes] | customers.attributes contains @? '$.a' | "
         "customers.attributes contains @@ '$.a > 1'"},
        {"select id from customers where '{\"a\":1}'::jsonb <@ attributes",
         "customers customers L0 [id attributes] | customers.attributes contains @> '{\"a\":1}'::jsonb"},
        {"select id from customers where tags && array['a'] and tags @> $1 and tags <@ '{a}'",
         "customers customers L0 [id tags] | customers.tags contains && ARRAY['a'] | customers.tags contains "
         "@> $1 | customers.tags contains <@ '{a}'"},
        {"select id from customers where 'a' = any(tags)",
         "customers customers L0 [id tags] | customers.tags other = any 'a'"},
        {"select id from customers where $1 = any(tags)",
         "customers customers L0 [id tags] | customers.tags other = any $1"},
        {"select id from customers where not ('a' = any(tags))",
         "customers customers L0 [id tags] | customers.tags other = any 'a'"},
        {"select id from products where document @@ to_tsquery('x')",
         "products products L0 [id document] | products.document full_text @@"},
        {"select id from products where to_tsquery('english', 'x') @@ document",
         "products products L0 [id document] | products.document full_text @@"},
        {"select id from products where to_tsvector('english', body) @@ plainto_tsquery('english', $1)",
         "products products L0 [id body] | products.{to_tsvector('english', body)} full_text @@"},
        {"select id from products where to_tsvector(body) @@ $1::tsquery",
         "products products L0 [id body] | products.{to_tsvector(body)}! full_text @@ $1"},
        {"select id from products where body @@ 'x'",
         "products products L0 [id body] | products.body full_text @@ 'x'"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_told_by_kind_operator_and_other_side),
        cmocka_unit_test(jsonb_arrays_and_text_search_have_their_own_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
