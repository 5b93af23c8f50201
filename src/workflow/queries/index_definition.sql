-- name: index_definition
-- versions: 13-
select left(d.definition, length(d.definition) - length(d.condition)) || coalesce(' TABLESPACE ' || quote_ident(s.spcname), '')
       || d.condition
from pg_class c
     join pg_index i on i.indexrelid = c.oid
     left join pg_tablespace s on s.oid = c.reltablespace
     cross join lateral (select pg_get_indexdef(c.oid) as definition,
                                coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), '') as condition) d
where c.relnamespace = pg_my_temp_schema() and c.relname = $1
