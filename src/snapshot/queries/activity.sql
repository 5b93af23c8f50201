-- name: activity
-- versions: 13-
select relid as relation_id, seq_scan as sequential_scans, seq_tup_read as sequential_tuples, idx_scan as index_scans,
       n_tup_ins as tuples_inserted, n_tup_upd as tuples_updated, n_tup_hot_upd as tuples_hot_updated,
       n_tup_del as tuples_deleted, n_live_tup as live_tuples, n_dead_tup as dead_tuples,
       n_mod_since_analyze as modified_since_analyze, greatest(last_vacuum, last_autovacuum) as last_vacuum,
       greatest(last_analyze, last_autoanalyze) as last_analyze
from pg_stat_user_tables
order by relid
