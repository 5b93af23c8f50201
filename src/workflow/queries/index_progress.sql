-- name: index_progress
-- versions: 13-
select jsonb_strip_nulls(jsonb_build_object(
           'phase', p.phase, 'blocks_done', p.blocks_done, 'blocks_total', p.blocks_total, 'tuples_done', p.tuples_done,
           'tuples_total', p.tuples_total, 'lockers_done', p.lockers_done, 'lockers_total', p.lockers_total,
           'waits_for', case when w.pids <> '{}' then to_jsonb(w.pids) end))::text,
       coalesce(p.phase, 'waiting') || coalesce(', for process ' || nullif(array_to_string(w.pids, ', '), ''), ''),
       coalesce(nullif(p.blocks_done, 0), p.tuples_done, 0), coalesce(nullif(p.blocks_total, 0), p.tuples_total, 0)
from pg_stat_activity a
     left join pg_stat_progress_create_index p on p.pid = a.pid
     cross join lateral (select case when a.wait_event_type = 'Lock' then pg_blocking_pids(a.pid) else '{}' end as pids) w
where a.pid = $1::int4
