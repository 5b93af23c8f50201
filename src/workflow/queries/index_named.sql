-- name: index_named
-- versions: 13-
select c.oid, n.nspname, c.relname, c.relkind, t.relname as table_name, i.indisvalid, coalesce(i.indisreplident, false),
       (select co.conname from pg_constraint co where co.conindid = c.oid and co.conrelid = i.indrelid
        and co.contype in ('p', 'u', 'x') limit 1),
       (select co.conname from pg_constraint co where co.conindid = c.oid and co.contype = 'f' limit 1),
       (select e.extname from pg_depend d join pg_extension e on e.oid = d.refobjid
        where d.classid = 'pg_class'::regclass and d.objid in (c.oid, i.indrelid) and d.refclassid = 'pg_extension'::regclass
          and (d.deptype = 'e' or d.deptype = 'x' and d.objid = c.oid) limit 1),
       (select co.conname from pg_constraint co
        where co.contype = 'f' and co.conrelid = i.indrelid and i.indisvalid and i.indpred is null
          and (i.indkey::int2[])[0:cardinality(co.conkey) - 1] @> co.conkey
          and not exists (select from pg_index o
                          where o.indrelid = i.indrelid and o.indexrelid <> i.indexrelid and o.indisvalid and o.indpred is null
                            and (o.indkey::int2[])[0:cardinality(co.conkey) - 1] @> co.conkey) limit 1),
       c.relispartition, pg_has_role(t.relowner, 'USAGE'),
       left(d.definition, length(d.definition) - length(d.condition)) || coalesce(' TABLESPACE ' || quote_ident(coalesce(s.spcname, o.spcname)), '')
       || d.condition,
       -- REINDEX CONCURRENTLY tells one of its indexes, and a role without pg_read_all_stats none of others; whose lock is on the table is told to all
       exists (select from pg_stat_progress_create_index p
               where p.datname = current_database()
                 and (p.index_relid = c.oid
                      or not i.indisvalid and exists (select from pg_locks l join pg_database b on b.oid = l.database and b.datname = current_database()
                                                      where l.pid = p.pid and l.locktype = 'relation' and l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted))),
       pg_is_in_recovery(), current_user, m.amname,
       coalesce(i.indisclustered, false), has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'),
       c.reltablespace = 0 or has_tablespace_privilege(c.reltablespace, 'CREATE'),
       (select reset_val = 'on' from pg_settings where name = 'default_transaction_read_only'),
       (select string_agg(k.statement, E';\n' order by k.place)
        from (select 0 as place, format('COMMENT ON INDEX %I.%I IS %L', n.nspname, c.relname, o.description) as statement
              from pg_description o where o.classoid = 'pg_class'::regclass and o.objoid = c.oid and o.objsubid = 0
              union all
              select a.attnum, format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', n.nspname, c.relname, a.attnum, a.attstattarget)
              from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attstattarget >= 0) k)
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_index i on i.indexrelid = c.oid
     left join pg_class t on t.oid = i.indrelid
     left join pg_am m on m.oid = c.relam
     left join pg_tablespace s on s.oid = c.reltablespace
     -- where none is named, default_tablespace would be it
     left join (select t.spcname from pg_database b join pg_tablespace t on t.oid = b.dattablespace
                where b.datname = current_database() and current_setting('default_tablespace') <> '') o on c.relkind = 'i'
     left join lateral (select pg_get_indexdef(c.oid) as definition,
                               coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') as condition) d on true
where c.relname = $1::text::name and octet_length($1::text) < 64
  and case when $2::text = 'pg_temp' then n.oid = pg_my_temp_schema()
           else ($2::text is null or n.nspname = $2::text) and n.nspname not in ('pg_catalog', 'information_schema')
                and n.nspname !~ '^pg_(toast|temp)' end
order by n.nspname
limit 100
