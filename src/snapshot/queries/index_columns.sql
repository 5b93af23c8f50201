-- name: index_columns
-- versions: 13-
select i.indexrelid as id, k.position, i.indkey[k.position - 1] as attnum,
       case when i.indkey[k.position - 1] = 0 then pg_get_indexdef(i.indexrelid, k.position, false) end as expression,
       case when k.position <= i.indnkeyatts then format('%I.%I', opn.nspname, op.opcname) end as operator_class,
       coalesce(op.opcdefault, true) as is_default_operator_class,
       (select format('%I.%I', cn.nspname, co.collname) from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace
        where k.position <= i.indnkeyatts and co.oid = i.indcollation[k.position - 1]) as collation,
       coalesce((i.indoption[k.position - 1] & 1) <> 0, false) as is_descending,
       coalesce((i.indoption[k.position - 1] & 2) <> 0, false) as is_nulls_first,
       k.position > i.indnkeyatts as is_included
from pg_index i
     join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace
     cross join lateral generate_series(1, i.indnatts::int) as k (position)
     left join pg_opclass op on k.position <= i.indnkeyatts and op.oid = i.indclass[k.position - 1]
     left join pg_namespace opn on opn.oid = op.opcnamespace
where c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by i.indexrelid, k.position
