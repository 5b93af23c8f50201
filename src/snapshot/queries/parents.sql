-- name: parents
-- versions: 13-
select i.inhrelid as id, i.inhparent as parent_id, i.inhseqno as sequence, c.relkind as kind
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where c.relpersistence <> 't'
order by i.inhrelid, i.inhseqno
