-- name: index_server
-- versions: 13-
select coalesce((extract(epoch from stats_reset) * 1000000)::int8, 0) from pg_stat_database where datname = current_database()
