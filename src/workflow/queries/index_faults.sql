-- name: index_faults
-- versions: 13-
-- What the server has against an index by method $1 on columns $3 of table $2: the method's own limits, and the first column whose type it
-- does not know. A type counts as known where it may be.
with recursive base (place, name, type) as (
    select u.place, u.name, a.atttypid
    from unnest($3::text[]) with ordinality as u (name, place)
         join pg_attribute a on a.attrelid = $2::oid and a.attname = u.name and a.attnum > 0 and not a.attisdropped
    union all
    select b.place, b.name, t.typbasetype from base b join pg_type t on t.oid = b.type where t.typtype = 'd'
)
select pg_indexam_has_property(m.oid, 'can_unique'), pg_indexam_has_property(m.oid, 'can_multi_col'), pg_indexam_has_property(m.oid, 'can_include'),
       x.name, x.type,
       (select quote_ident(k.schema) || '.' || quote_ident(k.name) from unnest($4::text[], $5::text[]) as k (schema, name)
        where not exists (select from pg_opclass o join pg_namespace n on n.oid = o.opcnamespace
                          where o.opcmethod = m.oid and n.nspname = k.schema and o.opcname = k.name) limit 1),
       y.name, y.type, y.schema
from pg_am m
     left join lateral (
         -- a column of a type that has operators outside of pg_catalog, which an operator without a schema does not mean
         select a.attname as name, format_type(t.oid, null) as type, quote_ident(n.nspname) as schema
         from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_namespace n on n.oid = t.typnamespace
              join unnest($6::text[], $7::text[]) as w (operand, operator) on w.operand = a.attname
         where a.attrelid = $2::oid and a.attnum > 0 and n.nspname <> 'pg_catalog' and t.typtype = 'b'
           and exists (select from pg_operator o where o.oprname = w.operator and t.oid in (o.oprleft, o.oprright) and o.oprnamespace = t.typnamespace)
         order by a.attnum limit 1) y on true
     left join lateral (
         select b.name, format_type(b.type, null) as type
         from base b join pg_type t on t.oid = b.type
         where t.typtype <> 'd'
           and not exists (select from pg_opclass o
                           where o.opcmethod = m.oid and o.opcdefault
                             and (o.opcintype = b.type
                                  or exists (select from pg_cast c where c.castsource = b.type and c.casttarget = o.opcintype and c.castmethod = 'b' and c.castcontext = 'i')
                                  or o.opcintype in (select p.oid from pg_type p where p.typtype = 'p' and p.typname not in ('anyarray', 'anyenum', 'anyrange', 'anymultirange', 'record'))
                                  or o.opcintype = 'anyarray'::regtype and t.typelem <> 0 and t.typlen = -1
                                  or o.opcintype = 'anyenum'::regtype and t.typtype = 'e'
                                  or o.opcintype in (select p.oid from pg_type p where p.typname in ('anyrange', 'anymultirange')) and t.typtype in ('r', 'm')
                                  or o.opcintype = 'record'::regtype and t.typtype = 'c'))
         order by b.place limit 1) x on true
where m.amname = $1 and m.amtype = 'i'
