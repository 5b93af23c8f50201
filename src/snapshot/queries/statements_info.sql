-- name: statements_info
-- versions: 14-
select to_char(stats_reset at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as stats_reset,
       extract(epoch from now() - stats_reset)::float8 as seconds
from @schema@.pg_stat_statements_info
