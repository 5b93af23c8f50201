-- name: heights
-- versions: 13-
select c.oid as id, m.fastlevel as height
from pg_class c join pg_am am on am.oid = c.relam
     join pg_namespace n on n.oid = c.relnamespace
     cross join lateral @schema@.bt_metap(quote_ident(n.nspname) || '.' || quote_ident(c.relname)) m
where am.amname = 'btree' and c.relkind = 'i' and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by c.oid
