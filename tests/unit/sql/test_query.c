// SPDX-License-Identifier: PostgreSQL
/*
 * Subqueries, set operations, writing and utility statements.
 */
#include "analysis_check.h"

static void
conditions_go_down_into_subqueries_as_far_as_the_planner_takes_them(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select 1 from orders where customer_id in (select id from customers where active)",
         "orders orders L0 [customer_id]; customers customers L1 [id active] | customers.active boolean true "
         "| orders.customer_id join = customers.id | customers.id join = orders.customer_id"},
        {"select 1 from orders where customer_id not in (select id from customers where active)",
         "orders orders L0 [customer_id]; customers customers L1 [id active] | customers.active boolean true "
         "| orders.customer_id not_equal <>"},
        {"select 1 from orders o where not exists (select * from items i where i.order_id = o.id)",
         "orders o L0 [id]; items i L1 [order_id] | i.order_id join = o.id | o.id join = i.order_id"},
        {"select 1 from orders o where exists (select 1 from items i where i.order_id = o.id) or o.total > 5",
         "orders o L0 [id total]; items i L1 [order_id] | i.order_id join = o.id | o.total range > 5 or1"},
        {"select 1 from orders o where o.total > (select avg(price) from items)",
         "orders o L0 [total]; items items L1 [price] | o.total range >"},
        {"select 1 from orders o where o.total = (select max(i.price) from items i where i.order_id = o.id)",
         "orders o L0 [id total]; items i L1 [order_id price] | i.order_id join = o.id | o.total other = | "
         "order i.price desc limit 1"},
        {"select (select count(*) from items i where i.order_id = o.id) from orders o where o.id = 3",
         "orders o L0 [id]; items i L1 [order_id] | o.id equal = 3 | i.order_id join = o.id"},
        {"select 1 from orders o where (o.id, o.total) in (select order_id, price from items)",
         "orders o L0 [id total]; items items L1 [order_id price] | o.id join = items.order_id | "
         "items.order_id join = o.id | o.total join = items.price | items.price join = o.total"},
        {"select 1 from orders o where o.id = any (select order_id from items)",
         "orders o L0 [id]; items items L1 [order_id] | o.id join = items.order_id | items.order_id join = "
         "o.id"},
        {"select 1 from orders o where o.id > all (select order_id from items)",
         "orders o L0 [id]; items items L1 [order_id] | o.id other ="},
        {"select 1 from orders o where o.id = any (array(select order_id from items))",
         "orders o L0 [id]; items items L1 [order_id] | o.id in ="},
        {"select 1 from orders where id in (select order_id from items group by order_id having sum(price) > "
         "5)",
         "orders orders L0 [id]; items items L1 [order_id price] | orders.id join = - | group "
         "items.order_id"},
        {"select 1 from orders where id in (select id from customers where created_at > orders.created_at)",
         "orders orders L0 [id created_at]; customers customers L1 [id created_at] | customers.created_at "
         "join_range > orders.created_at | orders.created_at join_range < customers.created_at | orders.id "
         "join = customers.id | customers.id join = orders.id"},
        {"select 1 from orders where exists (select 1 from customers where id = customer_id and total > 5)",
         "orders orders L0 [customer_id total]; customers customers L1 [id] | customers.id join = "
         "orders.customer_id | orders.customer_id join = customers.id"},
        {"select s.id from (select id, total from orders where status = 'a') s join items i on i.order_id = "
         "s.id where s.total > 3",
         "orders orders L1 [id status total]; items i L0 [order_id] | orders.status equal = 'a' | i.order_id "
         "join = orders.id | orders.id join = i.order_id | orders.total range > 3"},
        {"select s.id from (select id, total from orders limit 5) s where s.total > 3",
         "orders orders L1 [id total]"},
        {"select s.c from (select customer_id, count(*) c from orders group by customer_id) s where "
         "s.customer_id = 3 and s.c > 2",
         "orders orders L1 [customer_id] | orders.customer_id equal = 3 | group orders.customer_id"},
        {"select 1 from items i join (select customer_id from orders group by customer_id) s on "
         "s.customer_id = i.product_id",
         "items i L0 [product_id]; orders orders L1 [customer_id] | i.product_id join = - | group "
         "orders.customer_id"},
        {"select s.x from (select distinct status x from orders) s where s.x = 'a'",
         "orders orders L1 [status] | orders.status equal = 'a' | distinct orders.status"},
        {"select s.x from (select distinct on (status) status x, total from orders) s where s.x = 'a' and "
         "s.total = 3",
         "orders orders L1 [status total] | distinct orders.status"},
        {"select s.id from (select id, row_number() over (partition by customer_id order by total desc) rn, "
         "customer_id from orders) s where rn = 1 and customer_id = 5 and id = 7",
         "orders orders L1 [id customer_id total] | orders.customer_id equal = 5 | window "
         "orders.customer_id, orders.total desc"},
        {"select s.e from (select lower(email) e, id from customers) s where s.e = 'x' and s.id = 3",
         "customers customers L1 [id email] | customers.{lower(email)} equal = 'x' | customers.id equal = 3"},
        {"select s.a from (select t.a from (select status a, total b from orders) t where t.b > 2) s where "
         "s.a = 'x'",
         "orders orders L2 [status total] | orders.total range > 2 | orders.status equal = 'x'"},
        {"select x from (select status from orders) s (x) where x = 'a'",
         "orders orders L1 [status] | orders.status equal = 'a'"},
        {"select * from (select * from (select * from orders) a) b", "orders orders L2 all []"},
        {"select status from (select * from orders) s order by total",
         "orders orders L1 [status total] | order orders.total"},
        {"select 1 from orders o, (select 1 from items where order_id = 5) s where o.id = 1",
         "orders o L0 [id]; items items L1 [order_id] | items.order_id equal = 5 | o.id equal = 1"},
        {"select 1 from orders where status = (select country from customers where customers.id = "
         "orders.customer_id)",
         "orders orders L0 [customer_id status]; customers customers L1 [id country] | customers.id join = "
         "orders.customer_id | orders.status other ="},
        {"select 1 from orders o where exists (select 1 from (select order_id from items where price > 3) s "
         "where s.order_id = o.id)",
         "orders o L0 [id]; items items L2 [order_id price] | items.price range > 3 | items.order_id join = "
         "o.id | o.id join = items.order_id"},
        {"select 1 from orders o where o.id in (select order_id from items union select id from customers)",
         "orders o L0 [id]; items items L2 [order_id]; customers customers L3 [id] | o.id join = -"},
        {"select 1 from orders o where not (o.customer_id in (select id from customers))",
         "orders o L0 [customer_id]; customers customers L1 [id] | o.customer_id not_equal <>"},
        {"select 1 from orders o where (select count(*) from (select 1 from items i where i.order_id = o.id) "
         "s) > 3",
         "orders o L0 [id]; items i L2 [order_id] | i.order_id join = o.id | o. other > 3"},
        {"select 1 from orders o where exists (select 1 from items i where o.status = 'x' and i.order_id = "
         "5)",
         "orders o L0 [status]; items i L1 [order_id] | i.order_id equal = 5"},
        {"select case when exists (select 1 from items i where i.order_id = o.id) then 1 end from orders o",
         "orders o L0 [id]; items i L1 [order_id] | i.order_id join = o.id"},
        {"select s.n from (select count(*) n from orders) s where s.n > 3", "orders orders L1 []"},
        {"select s.id from (select id, unnest(array[1,2]) u from orders) s where s.id = 3 and s.u = 1",
         "orders orders L1 [id] | orders.id equal = 3"},
        {"select array(select id from orders where status = 'x')",
         "orders orders L1 [id status] | orders.status equal = 'x'"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

static void
a_condition_on_a_union_concerns_every_arm(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from orders where status = 'a' union all select id from orders where status = 'b' order "
         "by id limit 5",
         "orders orders L1 [id status]; orders orders#2 L2 [id status] | orders.status equal = 'a' | "
         "orders#2.status equal = 'b' | order - limit 5"},
        {"select x.id from (select id, status st from orders union all select id, country from customers) x "
         "where x.st = 'a'",
         "orders orders L2 [id status]; customers customers L3 [id country] | orders.status equal = 'a' | "
         "customers.country equal = 'a'"},
        {"select 1 from items i join (select id from orders union all select id from customers) x on x.id = "
         "i.order_id",
         "items i L0 [order_id]; orders orders L2 [id]; customers customers L3 [id] | orders.id join = "
         "i.order_id | customers.id join = i.order_id | i.order_id join = orders.id"},
        {"select x.id from (select id from orders union select id from customers) x where x.id = 3",
         "orders orders L2 [id]; customers customers L3 [id] | orders.id equal = 3 | customers.id equal = 3"},
        {"select x.id from (select id from orders except select id from customers) x where x.id = 3",
         "orders orders L2 [id]; customers customers L3 [id]"},
        {"select x.k from (select 'o' as k, id from orders union all select 'c', id from customers) x where "
         "x.id = 3 and x.k = 'o'",
         "orders orders L2 [id]; customers customers L3 [id] | orders.id equal = 3 | customers.id equal = 3"},
        {"(select id from orders order by total limit 1) union all (select id from customers order by name "
         "limit 1)",
         "orders orders L1 [id total]; customers customers L2 [id name] | order orders.total limit 1 | order "
         "customers.name limit 1"},
        {"select id from orders intersect select id from customers",
         "orders orders L1 [id]; customers customers L2 [id]"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

static void
writing_statements_name_their_target_and_columns(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"insert into orders (id, status) values (1, 'a')", "orders orders L0 written [ set id status]"},
        {"insert into orders values (1, 2, 'a')",
         "orders orders L0 written [ set id customer_id status total created_at shipped_on]"},
        {"insert into orders default values",
         "orders orders L0 written [ set id customer_id status total created_at shipped_on]"},
        {"insert into orders (id) select order_id from items where price > 3 on conflict (id) do update set "
         "status = excluded.status, total = orders.total + 1 where orders.status <> 'x' returning *",
         "items items L1 [order_id price]; orders orders L0 written all [ set id status total] | items.price "
         "range > 3"},
        {"insert into items select o.id, 1, 2, 3 from orders o where o.status = 'x'",
         "orders o L1 [id status]; items items L0 written [ set order_id product_id quantity price] | "
         "o.status equal = 'x'"},
        {"update orders set status = 'x' where id = $1",
         "orders orders L0 written [id set status] | orders.id equal = $1"},
        {"update orders o set (status, total) = (select name, price from products where id = o.id) where "
         "o.customer_id = 3",
         "orders o L0 written [id customer_id set status total]; products products L1 [id name price] | "
         "o.customer_id equal = 3 | products.id join = o.id"},
        {"update orders set total = 5 where customer_id in (select id from customers where country = 'x')",
         "orders orders L0 written [customer_id set total]; customers customers L1 [id country] | "
         "customers.country equal = 'x' | orders.customer_id join = customers.id | customers.id join = "
         "orders.customer_id"},
        {"update only orders set total = total", "orders orders L0 written [total set total]"},
        {"delete from orders where id = 3", "orders orders L0 written [id] | orders.id equal = 3"},
        {"delete from orders o using customers c where c.id = o.customer_id and not c.active returning o.id",
         "orders o L0 written [id customer_id]; customers c L0 [id active] | c.id join = o.customer_id | "
         "o.customer_id join = c.id | c.active boolean false"},
        {"merge into orders o using (select order_id, sum(price) s from items group by order_id) n on "
         "n.order_id = o.id when matched and o.status = 'x' then update set total = n.s when not matched "
         "then insert (id, total) values (n.order_id, n.s)",
         "orders o L0 written [id status set id total]; items items L1 [order_id price] | o.id join = - | "
         "group items.order_id"},
        {"merge into orders o using items i on i.order_id = o.id when matched then delete",
         "orders o L0 written [id]; items i L0 [order_id] | i.order_id join = o.id | o.id join = i.order_id"},
        {"update open_orders set state = 'x' where order_id = 3",
         "orders orders L1 [id status] | orders.status not_equal <> 'done'::text | orders.id equal = 3"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

static void
statements_within_utility_statements_are_looked_into(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"explain (analyze) select id from orders where status = 'a'",
         "orders orders L0 [id status] | orders.status equal = 'a'"},
        {"prepare p (int) as select id from orders where id = $1",
         "orders orders L0 [id] | orders.id equal = $1"},
        {"create table x as select id from orders where status = 'a'",
         "orders orders L0 [id status] | orders.status equal = 'a'"},
        {"declare c cursor for select id from orders where status = 'a'",
         "orders orders L0 [id status] | orders.status equal = 'a'"},
        {"copy (select id from orders where status = 'a') to stdout",
         "orders orders L0 [id status] | orders.status equal = 'a'"},
        {"create materialized view v as select id from orders", "orders orders L0 [id]"},
        {"select 1; select 2", ""},
        {"vacuum orders", ""},
        {"select nextval('s'), gen_random_uuid() from orders", "orders orders L0 [] | volatile"},
        {"select * from orders tablesample system (10) where id = 3",
         "orders orders L0 all [] | orders.id equal = 3"},
        {"values (1), (2)", ""},
        {"table orders", "orders orders L0 all []"},
        {"select * from orders for update", "orders orders L0 all []"},
        {"select id from orders where id = $1::bigint and status = $2::text",
         "orders orders L0 [id status] | orders.id equal = $1 | orders.status equal = $2"},
        {"select count(*) filter (where status = 'a') from orders", "orders orders L0 [status]"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_go_down_into_subqueries_as_far_as_the_planner_takes_them),
        cmocka_unit_test(a_condition_on_a_union_concerns_every_arm),
        cmocka_unit_test(writing_statements_name_their_target_and_columns),
        cmocka_unit_test(statements_within_utility_statements_are_looked_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
