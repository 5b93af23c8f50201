-- name: statements
-- versions: 13-
select s.queryid as query_id, r.rolname as role, s.query as text, coalesce(j ->> 'toplevel', 'true') as is_top_level,
       s.calls, s.total_exec_time as total_ms, s.mean_exec_time as mean_ms, s.stddev_exec_time as stddev_ms,
       s.min_exec_time as min_ms, s.max_exec_time as max_ms, s.total_plan_time as plan_ms, s.rows,
       s.shared_blks_hit as shared_hit_blocks, s.shared_blks_read as shared_read_blocks,
       s.shared_blks_dirtied as shared_dirtied_blocks, s.temp_blks_read as temp_read_blocks,
       s.temp_blks_written as temp_written_blocks,
       coalesce(j ->> 'shared_blk_read_time', j ->> 'blk_read_time') as read_ms,
       coalesce(j ->> 'shared_blk_write_time', j ->> 'blk_write_time') as write_ms, s.wal_bytes
from (select * from @schema@.pg_stat_statements
      where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null and query not like 'select /* fettle */%'
      order by total_exec_time desc, queryid limit $1) s
     cross join lateral to_jsonb(s) as j
     left join pg_roles r on r.oid = s.userid
order by s.total_exec_time desc, s.queryid, r.rolname
