-- name: statements_busiest
-- versions: 13-
@statements@
order by total_exec_time desc, queryid
limit $2::bigint
