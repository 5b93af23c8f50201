-- name: index_place
-- versions: 13-
-- Where an index goes whose statement names tablespace $1 (null: none), where its sort spills unless temp_tablespaces say where, and what it
-- takes in memory before it does.
select name, is_there, is_allowed,
       case when is_local then case when place like '/%' then place else directory || coalesce('/' || nullif(place, ''), '') end end,
       case when is_local and not is_sort_elsewhere then case when sort_place like '/%' then sort_place else directory || coalesce('/' || nullif(sort_place, ''), '') end end,
       is_sort_elsewhere, sort_memory
from (select t.spcname as name, $1::text is null or t.spcname = $1::text as is_there,
             t.oid = b.dattablespace or has_tablespace_privilege(t.oid, 'CREATE') as is_allowed,
             pg_tablespace_location(t.oid) as place,
             pg_tablespace_location(b.dattablespace) as sort_place, current_setting('temp_tablespaces') <> '' as is_sort_elsewhere,
             pg_size_bytes(current_setting('maintenance_work_mem')) as sort_memory,
             inet_server_addr() is null as is_local, (select setting from pg_settings where name = 'data_directory') as directory
      from pg_database b
           -- a default_tablespace that does not exist is passed over
           join pg_tablespace t on t.oid = coalesce((select oid from pg_tablespace
                                                     where spcname = coalesce($1::text, nullif(current_setting('default_tablespace'), ''))),
                                                    b.dattablespace)
      where b.datname = current_database()) p
