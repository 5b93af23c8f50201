-- name: index_activity
-- versions: 13-
select s.indexrelid as id, s.idx_scan as scans, s.idx_tup_read as tuples_read, to_jsonb(s) ->> 'last_idx_scan' as last_scan,
       -- of REINDEX CONCURRENTLY the index that is told is not always the one that is made; whose lock is on the table is told to all
       s.relid in (select p.relid from pg_stat_progress_create_index p where p.datname = current_database() and p.relid is not null
                   union all
                   select l.relation from pg_stat_progress_create_index p join pg_locks l on l.pid = p.pid
                   where p.datname = current_database() and l.locktype = 'relation' and l.mode = 'ShareUpdateExclusiveLock' and l.granted
                     and l.database = (select oid from pg_database where datname = current_database())) as is_being_built
from pg_stat_user_indexes s
order by s.indexrelid
