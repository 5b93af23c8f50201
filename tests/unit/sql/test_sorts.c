// SPDX-License-Identifier: PostgreSQL
/*
 * ORDER BY, GROUP BY, DISTINCT, windows, min and max.
 */
#include "analysis_check.h"

static void
sort_lists_are_told_with_direction_nulls_and_limit(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from orders order by 1, status desc nulls last",
         "orders orders L0 [id status] | order orders.id, orders.status desc nulls last"},
        {"select id as x, total from orders order by x, total nulls first",
         "orders orders L0 [id total] | order orders.id, orders.total nulls first"},
        {"select lower(name) n from customers order by n",
         "customers customers L0 [name] | order customers.{lower(name)}"},
        {"select status, count(*) from orders group by 1 order by 2 desc",
         "orders orders L0 [status] | order - desc | group orders.status"},
        {"select status s, count(*) from orders group by s having count(*) > 3 and status <> 'x'",
         "orders orders L0 [status] | orders.status not_equal <> 'x' | group orders.status"},
        {"select status from orders group by status having status = 'a'",
         "orders orders L0 [status] | orders.status equal = 'a' | group orders.status"},
        {"select date_trunc('day', created_at), sum(total) from orders group by 1",
         "orders orders L0 [total created_at] | group orders.{date_trunc('day', created_at)}"},
        {"select distinct status, total from orders",
         "orders orders L0 [status total] | distinct orders.status, orders.total"},
        {"select distinct on (customer_id) * from orders order by customer_id, created_at desc",
         "orders orders L0 all [] | order orders.customer_id, orders.created_at desc | distinct "
         "orders.customer_id"},
        {"select count(distinct status) from orders", "orders orders L0 [status]"},
        {"select customer_id, status from orders group by rollup (customer_id, status)",
         "orders orders L0 [customer_id status]"},
        {"select sum(total) over (partition by customer_id order by created_at desc) from orders",
         "orders orders L0 [customer_id total created_at] | window orders.customer_id, orders.created_at "
         "desc"},
        {"select sum(total) over w, avg(total) over w from orders window w as (partition by status)",
         "orders orders L0 [status total] | window orders.status"},
        {"select * from orders order by total limit $1",
         "orders orders L0 all [] | order orders.total limit ?"},
        {"select * from orders order by total limit all", "orders orders L0 all [] | order orders.total"},
        {"select * from orders order by total fetch first 3 rows only",
         "orders orders L0 all [] | order orders.total limit 3"},
        {"select * from orders order by total + 1", "orders orders L0 all [] | order orders.{total + 1}"},
        {"select * from orders o join customers c on c.id = o.customer_id order by c.name, o.total limit 10",
         "orders o L0 all []; customers c L0 all [] | c.id join = o.customer_id | o.customer_id join = c.id "
         "| order c.name, o.total limit 10"},
        {"select max(created_at) from orders where customer_id = 3",
         "orders orders L0 [customer_id created_at] | orders.customer_id equal = 3 | order orders.created_at "
         "desc limit 1"},
        {"select min(id), max(id) from orders",
         "orders orders L0 [id] | order orders.id limit 1 | order orders.id desc limit 1"},
        {"select max(id), count(*) from orders", "orders orders L0 [id]"},
        {"select * from orders order by random()", "orders orders L0 all [] | order - | volatile"},
        {"select * from orders order by status using >",
         "orders orders L0 all [] | order orders.status desc"},
        {"select * from orders order by 99", "orders orders L0 all [] | order -"},
        {"select s.id from (select id, total from orders order by total desc limit 3) s order by s.id",
         "orders orders L1 [id total] | order orders.total desc limit 3 | order -"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sort_lists_are_told_with_direction_nulls_and_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
