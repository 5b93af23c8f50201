with c as (select * from orders) select 1
