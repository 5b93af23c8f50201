-- name: bloat_indexes
-- versions: 13-
select oid, greatest(0, relpages - 1 - ceil(leaf_pages) - ceil(leaf_pages * item_bytes / (block_bytes - 40))) * block_bytes
from (select *, reltuples * item_bytes / ((block_bytes - 40) * fill / 100.0) as leaf_pages
      from (select c.oid, c.relpages, c.reltuples, current_setting('block_size')::float8 as block_bytes,
                   coalesce(substring(array_to_string(c.reloptions, ' ') from 'fillfactor=(\d+)')::int, 90) as fill,
                   4 + 8 * ceil((8 + case when bool_or(s.null_frac > 0) then 4 else 0 end
                                 + sum((1 - s.null_frac) * s.avg_width)) / 8.0) as item_bytes
            from pg_index i
                 join pg_class c on c.oid = i.indexrelid
                 join pg_class t on t.oid = i.indrelid
                 join pg_namespace n on n.oid = c.relnamespace
                 join pg_am m on m.oid = c.relam and m.amname = 'btree'
                 cross join lateral unnest(i.indkey) with ordinality as k (attnum, position)
                 join pg_attribute a on a.attrelid = case when k.attnum = 0 then c.oid else t.oid end
                                    and a.attnum = case when k.attnum = 0 then k.position else k.attnum end
                 left join pg_stats s on s.schemaname = n.nspname and not s.inherited and s.attname = a.attname
                                     and s.tablename = case when k.attnum = 0 then c.relname else t.relname end
            where c.relkind = 'i' and c.relpersistence <> 't' and c.relpages > 1 and c.reltuples >= 0 and i.indisvalid and c.oid >= 16384
            group by c.oid, c.relpages, c.reltuples, c.reloptions
            having count(*) = count(s.attname)
            order by c.relpages desc
            limit 50000) t) u
