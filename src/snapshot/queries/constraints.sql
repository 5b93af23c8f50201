-- name: constraints
-- versions: 13-
select c.oid as id, c.conrelid as relation_id, c.conname as name, c.contype as type,
       pg_get_constraintdef(c.oid) as definition, c.conindid as index_id, c.confrelid as foreign_relation_id,
       c.conparentid as parent_id, c.conkey as columns, c.confkey as foreign_columns, c.convalidated as is_validated,
       c.condeferrable as is_deferrable, c.conislocal as is_local, c.connoinherit as is_no_inherit
from pg_constraint c
     join pg_class r on r.oid = c.conrelid
     join pg_namespace n on n.oid = r.relnamespace
where c.contype in ('p', 'u', 'x', 'f', 'c') and r.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by c.oid
