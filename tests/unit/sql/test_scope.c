// SPDX-License-Identifier: PostgreSQL
/*
 * Which column a name means: views, search path, whole rows, unknown names.
 */
#include "analysis_check.h"

static void
names_are_resolved_or_counted_and_never_guessed(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select state from open_orders where order_id = $1 order by buyer",
         "orders orders L1 [id customer_id status] | orders.status not_equal <> 'done'::text | orders.id "
         "equal = $1 | order orders.customer_id"},
        {"select v.buyer from open_orders v join customers c on c.id = v.buyer",
         "orders orders L1 [customer_id status]; customers c L0 [id] | orders.status not_equal <> "
         "'done'::text | c.id join = orders.customer_id | orders.customer_id join = c.id"},
        {"select buyer from open_totals where sum > 5",
         "orders orders L2 [id customer_id status]; items i L1 [order_id price] | orders.status not_equal <> "
         "'done'::text | i.order_id join = orders.id | orders.id join = i.order_id | group "
         "orders.customer_id"},
        {"select 1 from left_unknown where a = 1", " | unresolved 1 left_unknown"},
        {"select nosuch from orders where alsonot = 1", "orders orders L0 [] | unresolved 2 alsonot"},
        {"select orders.nosuch from orders", "orders orders L0 [] | unresolved 1 orders.nosuch"},
        {"select x.id from orders o", "orders o L0 [] | unresolved 1 x.id"},
        {"select 1 from archive.orders where archive.orders.status = 'x' and orders.total = 3",
         "archive.orders orders L0 [status total] | orders.status equal = 'x' | orders.total equal = 3"},
        {"select 1 from public.orders o join archive.orders a on a.id = o.id",
         "orders o L0 [id]; archive.orders a L0 [id] | a.id join = o.id | o.id join = a.id"},
        {"select * from looping", " | partial"},
        {"select * from broken where x = 1", " | partial"},
        {"select relname from pg_class where oid = 3", ""},
        {"select ctid, xmin, tableoid from orders where ctid = '(0,1)'", "orders orders L0 []"},
        {"select count(o) from orders o", "orders o L0 all []"},
        {"select o from orders o", "orders o L0 all []"},
        {"select o.* from orders o join items i on i.order_id = o.id",
         "orders o L0 all []; items i L0 [order_id] | i.order_id join = o.id | o.id join = i.order_id"},
        {"select row_to_json(s) from (select id, status from orders) s", "orders orders L1 [id status]"},
        {"select 1 from orders o(a, b, c) where o.c = 'x' and a = 3 and total = 1",
         "orders o L0 [id status total] | o.status equal = 'x' | o.id equal = 3 | o.total equal = 1"},
        {"select (o).total from orders o", "orders o L0 all []"},
    };
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved_or_counted_and_never_guessed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
