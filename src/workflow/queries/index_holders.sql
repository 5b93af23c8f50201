-- name: index_holders
-- versions: 13-
-- those of a table's lock, or of any use of it, the oldest transactions first; of other roles' sessions who may not see more is told the number
select string_agg(h.words, ', ' order by h.place)
from (select coalesce('process ' || l.pid, 'a prepared transaction')
             || coalesce(' (' || nullif(concat_ws(', ', 'role ' || a.usename, nullif(a.application_name, ''),
                                                  a.state || ' for ' || date_trunc('second', clock_timestamp() - a.xact_start)), '') || ')', '') as words,
             row_number() over (order by a.xact_start nulls first, l.pid) as place
      from (select distinct k.pid from pg_locks k
            where k.locktype = 'relation' and k.relation = $1::regclass and k.granted and k.pid is distinct from pg_backend_pid()
              and k.database = (select d.oid from pg_database d where d.datname = current_database())
              and (not $2::boolean or k.mode in ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'))) l
           left join pg_stat_activity a on a.pid = l.pid) h
where h.place <= 3
