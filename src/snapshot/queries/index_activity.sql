-- name: index_activity
-- versions: 13-
select s.indexrelid as id, s.idx_scan as scans, s.idx_tup_read as tuples_read, to_jsonb(s) ->> 'last_idx_scan' as last_scan,
       -- of REINDEX CONCURRENTLY the index that is told is not always the one that is made
       s.relid in (select p.relid from pg_stat_progress_create_index p where p.datname = current_database()) as is_being_built
from pg_stat_user_indexes s
order by s.indexrelid
