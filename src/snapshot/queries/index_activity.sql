-- name: index_activity
-- versions: 13-
select s.indexrelid as id, s.idx_scan as scans, s.idx_tup_read as tuples_read, to_jsonb(s) ->> 'last_idx_scan' as last_scan,
       s.indexrelid in (select p.index_relid from pg_stat_progress_create_index p where p.index_relid is not null) as is_being_built
from pg_stat_user_indexes s
order by s.indexrelid
