// SPDX-License-Identifier: PostgreSQL
/*
 * Joins and other items of FROM.
 */
#include "analysis_check.h"

static void
joins_are_told_from_both_sides(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select 1 from orders o, customers c where o.customer_id = c.id",
         "orders o L0 [customer_id]; customers c L0 [id] | o.customer_id join = c.id | c.id join = "
         "o.customer_id"},
        {"select 1 from orders o left join customers c on c.id = o.customer_id and o.status = 'a' and "
         "c.active where c.id is null",
         "orders o L0 [customer_id status]; customers c L0 nullable [id active] | c.id join = o.customer_id "
         "| o.customer_id join = c.id | o.status other = 'a' | c.active boolean true | c.id is_null"},
        {"select 1 from customers c right join orders o on c.id = o.customer_id and c.country = 'x'",
         "customers c L0 nullable [id country]; orders o L0 [customer_id] | c.id join = o.customer_id | "
         "o.customer_id join = c.id | c.country equal = 'x'"},
        {"select 1 from orders o full join customers c on c.id = o.customer_id and o.total > 1",
         "orders o L0 nullable [customer_id total]; customers c L0 nullable [id] | c.id join = o.customer_id "
         "| o.customer_id join = c.id | o.total other > 1"},
        {"select 1 from orders o cross join customers c", "orders o L0 []; customers c L0 []"},
        {"select 1 from orders join items on id = order_id",
         "orders orders L0 [id]; items items L0 [order_id] | orders.id join = items.order_id | "
         "items.order_id join = orders.id"},
        {"select 1 from customers join orders using (id) where id = 5",
         "customers customers L0 [id]; orders orders L0 [id] | customers.id join = orders.id | orders.id "
         "join = customers.id | customers.id equal = 5"},
        {"select * from customers join orders using (id)",
         "customers customers L0 all []; orders orders L0 all [] | customers.id join = orders.id | orders.id "
         "join = customers.id"},
        {"select id, created_at from orders natural join customers",
         "orders orders L0 [id created_at]; customers customers L0 [id created_at] | orders.id join = "
         "customers.id | customers.id join = orders.id | orders.created_at join = customers.created_at | "
         "customers.created_at join = orders.created_at"},
        {"select id from customers full join orders using (id) where id = 3",
         "customers customers L0 nullable [id]; orders orders L0 nullable [id] | customers.id join = "
         "orders.id | orders.id join = customers.id"},
        {"select id from customers right join orders using (id) where id = 3",
         "customers customers L0 nullable [id]; orders orders L0 [id] | customers.id join = orders.id | "
         "orders.id join = customers.id | orders.id equal = 3"},
        {"select j.quantity from (orders o join items i on o.id = i.order_id) as j where j.status = 'x'",
         "orders o L0 [id status]; items i L0 [order_id quantity] | o.id join = i.order_id | i.order_id join "
         "= o.id | o.status equal = 'x'"},
        {"select j.a from (orders o join items i on o.id = i.order_id) as j (a, b, c) where j.c = 'x'",
         "orders o L0 [id status]; items i L0 [order_id] | o.id join = i.order_id | i.order_id join = o.id | "
         "o.status equal = 'x'"},
        {"select 1 from orders o join orders p on o.id = p.id and o.total < p.total",
         "orders o L0 [id total]; orders p L0 [id total] | o.id join = p.id | p.id join = o.id | o.total "
         "join_range < p.total | p.total join_range > o.total"},
        {"select 1 from orders o join items i on i.order_id = o.id join products p on p.id = i.product_id "
         "where p.name = 'x'",
         "orders o L0 [id]; items i L0 [order_id product_id]; products p L0 [id name] | i.order_id join = "
         "o.id | o.id join = i.order_id | p.id join = i.product_id | i.product_id join = p.id | p.name equal "
         "= 'x'"},
        {"select 1 from orders o join items i on i.price > o.total + 5",
         "orders o L0 [total]; items i L0 [price] | i.price join_range > o. | o.{total + 5} join_range < "
         "i.price"},
        {"select 1 from customers c join customers d on lower(c.email) = lower(d.email)",
         "customers c L0 [email]; customers d L0 [email] | c.{lower(email)} join = d. | d.{lower(email)} "
         "join = c."},
        {"select 1 from orders o join items i on o.id + i.quantity = i.product_id",
         "orders o L0 [id]; items i L0 [product_id quantity] | i.product_id other ="},
        {"select 1 from products p join products q on p.parent_id = q.id",
         "products p L0 [parent_id]; products q L0 [id] | p.parent_id join = q.id | q.id join = p.parent_id"},
        {"select 1 from orders o, lateral (select * from items i where i.order_id = o.id order by i.price "
         "desc limit 3) x where x.quantity > 1",
         "orders o L0 [id]; items i L1 [order_id quantity price] | i.order_id join = o.id | order i.price "
         "desc limit 3"},
        {"select 1 from orders o join lateral (select sum(price) s from items i where i.order_id = o.id) t "
         "on true where t.s > 5",
         "orders o L0 [id]; items i L1 [order_id price] | i.order_id join = o.id"},
        {"select 1 from orders o, generate_series(1, 3) g where o.id = g",
         "orders o L0 [id] | o.id join = -"},
        {"select 1 from orders o, unnest($1::int[]) as u(id) where o.id = u.id",
         "orders o L0 [id] | o.id join = -"},
        {"select 1 from orders o join (values (1,'a'),(2,'b')) v(id, st) on v.id = o.id and v.st = o.status",
         "orders o L0 [id status] | o.id join = - | o.status join = -"},
        {"select 1 from orders o, json_to_recordset($1) as x(a int, b text) where o.id = x.a",
         "orders o L0 [id] | o.id join = -"},
        {"select 1 from orders o left join (select * from items i where i.quantity > 2) s on s.order_id = "
         "o.id",
         "orders o L0 [id]; items i L1 nullable [order_id quantity] | i.quantity range > 2 | i.order_id join "
         "= o.id | o.id join = i.order_id"},
        {"select 1 from orders o left join (items i join products p on p.id = i.product_id) on i.order_id = "
         "o.id",
         "orders o L0 [id]; items i L0 nullable [order_id product_id]; products p L0 nullable [id] | p.id "
         "join = i.product_id | i.product_id join = p.id | i.order_id join = o.id | o.id join = i.order_id"},
        {"select 1 from orders o join items i on (i.order_id, i.price) = (o.id, o.total)",
         "orders o L0 [id total]; items i L0 [order_id price] | i.order_id join = o.id | o.id join = "
         "i.order_id | i.price join = o.total | o.total join = i.price"},
        {"select 1 from a_function(3) f join orders o on o.id = f.x where y = 3",
         "orders o L0 [id] | o.id join = -"},
        {"select 1 from customers c join orders o using (id) join items i on i.order_id = id",
         "customers c L0 [id]; orders o L0 [id]; items i L0 [order_id] | c.id join = o.id | o.id join = c.id "
         "| i.order_id join = c.id | c.id join = i.order_id"},
        {"select 1 from orders o join customers c on c.id = any(array[o.customer_id])",
         "orders o L0 [customer_id]; customers c L0 [id] | c.id join = o."},
        {"select x.quantity from orders o join lateral (select * from items i where i.order_id = o.id) x on "
         "x.price > 3",
         "orders o L0 [id]; items i L1 [order_id quantity price] | i.order_id join = o.id | o.id join = "
         "i.order_id | i.price range > 3"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_are_told_from_both_sides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
