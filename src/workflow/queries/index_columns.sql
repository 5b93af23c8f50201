-- name: index_columns
-- versions: 13-
select u.name, a.attnum is not null, coalesce(s.avg_width, case when a.attlen > 0 then a.attlen end, 16)
from unnest($2::text[]) with ordinality as u (name, place)
     left join pg_attribute a on a.attrelid = $1::oid and a.attname = u.name and a.attnum > 0 and not a.attisdropped
     left join pg_class c on c.oid = a.attrelid
     left join pg_namespace n on n.oid = c.relnamespace
     left join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
order by u.place
