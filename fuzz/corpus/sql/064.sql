create materialized view v as select id from orders
