-- name: relations
-- versions: 13-
select c.oid as id, n.nspname as schema, c.relname as name, pg_get_userbyid(c.relowner) as owner, c.relkind as kind,
       c.relpersistence as persistence, am.amname as access_method, ts.spcname as tablespace,
       array_to_string(c.reloptions, ', ') as options,
       case when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid) end as view_definition,
       case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end as partition_key,
       pg_get_expr(c.relpartbound, c.oid) as partition_bound, c.relispartition as is_partition,
       c.relispopulated as is_populated, c.relrowsecurity as has_row_security,
       c.relforcerowsecurity as is_row_security_forced, c.relreplident as replica_identity,
       (select d.refobjid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.deptype = 'e' limit 1) as extension_id,
       c.relpages, c.reltuples, c.relallvisible
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_am am on am.oid = c.relam
     left join pg_tablespace ts on ts.oid = c.reltablespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by c.oid
