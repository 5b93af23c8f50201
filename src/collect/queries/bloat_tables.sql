-- name: bloat_tables
-- versions: 13-
select oid, greatest(0, relpages - ceil(reltuples * tuple_bytes / ((block_bytes - 24) * fill / 100.0))) * block_bytes
from (select c.oid, c.relpages, c.reltuples, current_setting('block_size')::float8 as block_bytes,
             coalesce(substring(array_to_string(c.reloptions, ' ') from 'fillfactor=(\d+)')::int, 100) as fill,
             4 + 8 * ceil((23 + case when bool_or(s.null_frac > 0) then (c.relnatts + 7) / 8 else 0 end) / 8.0)
               + 8 * ceil(sum((1 - s.null_frac) * s.avg_width) / 8.0) as tuple_bytes
      from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           left join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname and not s.inherited
      where c.relkind in ('r', 'm') and c.relpersistence <> 't' and c.relpages > 0 and c.reltuples >= 0 and c.oid >= 16384
      group by c.oid, c.relpages, c.reltuples, c.relnatts, c.reloptions
      having count(*) = count(s.attname)
      order by c.relpages desc
      limit 50000) t
