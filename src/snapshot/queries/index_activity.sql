-- name: index_activity
-- versions: 13-
select s.indexrelid as id, s.idx_scan as scans, s.idx_tup_read as tuples_read, to_jsonb(s) ->> 'last_idx_scan' as last_scan
from pg_stat_user_indexes s
order by s.indexrelid
