with c as materialized (select * from orders) select 1 from c where status = 'x'
