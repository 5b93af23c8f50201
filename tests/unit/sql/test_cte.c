// SPDX-License-Identifier: PostgreSQL
/*
 * WITH.
 */
#include "analysis_check.h"

static void
a_cte_is_looked_through_when_the_planner_inlines_it(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"with c as (select * from orders) select 1 from c a join c b on a.id = b.id where a.status = 'x'",
         "orders orders L1 [id status]"},
        {"with c as materialized (select * from orders) select 1 from c where status = 'x'",
         "orders orders L1 [status]"},
        {"with c as not materialized (select * from orders) select 1 from c a join c b on a.id = b.id where "
         "a.status = 'x'",
         "orders orders L1 [id status] | orders.id other = | orders.status equal = 'x'"},
        {"with c (x, y) as (select id, status from orders) select x from c where y = 'a'",
         "orders orders L1 [id status] | orders.status equal = 'a'"},
        {"with c as (select id from orders), d as (select c.id from c where c.id > 3) select * from d where "
         "d.id < 10",
         "orders orders L1 [id] | orders.id range > 3 | orders.id range < 10"},
        {"with recursive t as (select id, parent_id from products where id = 1 union all select p.id, "
         "p.parent_id from products p join t on p.parent_id = t.id) select * from t where id > 5",
         "products products L2 [id parent_id]; products p L3 [id parent_id] | products.id equal = 1 | "
         "p.parent_id join = -"},
        {"with recursive t (n) as (select 1 union all select n + 1 from t where n < 5) select 1 from orders "
         "o join t on o.id = t.n",
         "orders o L0 [id] | o.id join = -"},
        {"with d as (delete from items where order_id = 3 returning *) select quantity from d where price > "
         "3",
         "items items L1 written all [] | items.order_id equal = 3"},
        {"with i as (insert into orders (id, status) select 1, 'a' returning id) select * from i",
         "orders orders L1 written [id set id status]"},
        {"with c as (select * from orders) select 1", "orders orders L1 []"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cte_is_looked_through_when_the_planner_inlines_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
