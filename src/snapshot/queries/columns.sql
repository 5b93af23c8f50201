-- name: columns
-- versions: 13-
with recursive base as (
  select oid as id, oid as type_id, typtype, typbasetype from pg_type where typtype = 'd'
  union all
  select base.id, t.oid, t.typtype, t.typbasetype from base join pg_type t on t.oid = base.typbasetype
  where base.typtype = 'd'
)
select a.attrelid as relation_id, a.attnum, a.attname as name,
       case when a.attisdropped then null else format_type(a.atttypid, a.atttypmod) end as type_name,
       a.atttypid as type_id, format_type(coalesce(b.type_id, t.oid), null) as base_type,
       case when a.attcollation <> t.typcollation
            then (select format('%I.%I', cn.nspname, co.collname) from pg_collation co
                  join pg_namespace cn on cn.oid = co.collnamespace where co.oid = a.attcollation) end as collation,
       pg_get_expr(d.adbin, d.adrelid) as default_expression, nullif(a.attgenerated, '') as generated,
       nullif(a.attidentity, '') as identity, a.attnotnull as is_not_null, a.attisdropped as is_dropped,
       not a.attislocal as is_inherited_only, coalesce(a.attstattarget, -1) as statistics_target,
       (select substr(o, 12) from unnest(a.attoptions) o where o like 'n\_distinct=%') as option_n_distinct,
       (select substr(o, 22) from unnest(a.attoptions) o where o like 'n\_distinct\_inherited=%') as option_n_distinct_inherited,
       case when a.attstorage <> t.typstorage then a.attstorage end as storage, a.attlen as length_bytes,
       a.attalign as alignment
from pg_attribute a
     join pg_class c on c.oid = a.attrelid
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_type t on t.oid = a.atttypid
     left join base b on b.id = a.atttypid and b.typtype <> 'd'
     left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attnum > 0 and c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by a.attrelid, a.attnum
