-- name: objects
-- versions: 13-
with own_type as (
  select t.*, n.nspname, quote_ident(n.nspname) || '.' || quote_ident(t.typname) as full_name
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_type'::regclass and d.objid = t.oid and d.deptype = 'e')
), object as (
  select t.oid as id, 'enum' as kind, t.nspname as schema, t.typname as name, null::text as detail, null::text as volatility,
         format('CREATE TYPE %s AS ENUM (%s)', t.full_name,
                (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum
                 where enumtypid = t.oid)) as definition
  from own_type t where t.typtype = 'e'
  union all
  select t.oid, 'domain', t.nspname, t.typname, null, null,
         format('CREATE DOMAIN %s AS %s%s%s%s%s', t.full_name, format_type(t.typbasetype, t.typtypmod),
                (select format(' COLLATE %I.%I', cn.nspname, c.collname) from pg_collation c
                 join pg_namespace cn on cn.oid = c.collnamespace join pg_type b on b.oid = t.typbasetype
                 where c.oid = t.typcollation and t.typcollation <> b.typcollation),
                ' DEFAULT ' || t.typdefault,
                case when t.typnotnull then ' NOT NULL' end,
                (select string_agg(format(' CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)), '' order by oid)
                 from pg_constraint where contypid = t.oid and contype = 'c'))
  from own_type t where t.typtype = 'd'
  union all
  select t.oid, 'composite', t.nspname, t.typname, null, null,
         format('CREATE TYPE %s AS (%s)', t.full_name,
                (select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum)
                 from pg_attribute where attrelid = t.typrelid and attnum > 0 and not attisdropped))
  from own_type t join pg_class c on c.oid = t.typrelid where t.typtype = 'c' and c.relkind = 'c'
  union all
  select t.oid, 'range', t.nspname, t.typname, null, null,
         format('CREATE TYPE %s AS RANGE (subtype = %s, subtype_opclass = %I.%I%s)', t.full_name,
                format_type(r.rngsubtype, null), on_.nspname, o.opcname,
                (select format(', collation = %I.%I', cn.nspname, c.collname) from pg_collation c
                 join pg_namespace cn on cn.oid = c.collnamespace where c.oid = r.rngcollation))
  from own_type t join pg_range r on r.rngtypid = t.oid join pg_opclass o on o.oid = r.rngsubopc
       join pg_namespace on_ on on_.oid = o.opcnamespace
  where t.typtype = 'r'
  union all
  select p.oid, 'function', n.nspname, p.proname, l.lanname, p.provolatile::text, pg_get_functiondef(p.oid)
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
  where p.prokind in ('f', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype in ('e', 'i'))
  union all
  select c.oid, 'sequence', n.nspname, c.relname, null, null, format('CREATE SEQUENCE %I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'S' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                    and d.deptype in ('e', 'i'))
  union all
  select c.oid, 'collation', n.nspname, c.collname, null, null,
         format('CREATE COLLATION %I.%I (provider = %s, deterministic = %s, %s)', n.nspname, c.collname,
                case c.collprovider when 'i' then 'icu' when 'b' then 'builtin' else 'libc' end, c.collisdeterministic::text,
                case when coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale') is not null
                     then format('locale = %L', coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale'))
                     when c.collcollate = c.collctype then format('locale = %L', c.collcollate)
                     else format('lc_collate = %L, lc_ctype = %L', c.collcollate, c.collctype) end)
  from pg_collation c join pg_namespace n on n.oid = c.collnamespace
  where n.nspname not in ('pg_catalog', 'information_schema')
    and not exists (select from pg_depend d where d.classid = 'pg_collation'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select id, kind, schema, name, detail, volatility, definition from object order by id, kind
