-- name: index_definition
-- versions: 13-
select left(d.definition, length(d.definition) - length(d.condition)) || coalesce(' TABLESPACE ' || quote_ident(coalesce(s.spcname, o.spcname)), '')
       || d.condition
from pg_class c
     join pg_index i on i.indexrelid = c.oid
     left join pg_tablespace s on s.oid = c.reltablespace
     -- where none is named, default_tablespace would be it
     left join (select t.spcname from pg_database b join pg_tablespace t on t.oid = b.dattablespace
                where b.datname = current_database() and current_setting('default_tablespace') <> '') o on c.relkind = 'i'
     cross join lateral (select pg_get_indexdef(c.oid) as definition,
                                coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') as condition) d
where c.relnamespace = pg_my_temp_schema() and c.relname = $1
