-- name: index_table
-- versions: 13-
select c.oid, n.nspname, c.relname, c.relkind, pg_has_role(c.relowner, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
       c.reltuples, c.relpages::int8 * current_setting('block_size')::int8, pg_is_in_recovery(), current_user,
       (select reset_val = 'on' from pg_settings where name = 'default_transaction_read_only'), has_schema_privilege(n.oid, 'USAGE')
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
where c.relname = $1::text::name and octet_length($1::text) < 64 and ($2::text is null or n.nspname = $2::text) and c.relkind in ('r', 'p', 'm', 'v', 'f')
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by n.nspname
limit 100
