-- name: statistics_view
-- versions: 13-
select r.oid as relation_id, a.attnum, a.attname as column_name, s.inherited as is_inherited,
       s.null_frac as null_fraction, s.avg_width as average_width_bytes, s.n_distinct,
       case when s.most_common_vals is not null then 1 else 0 end as kind1, null::text as operator1, null::text as collation1,
       s.most_common_freqs::text as numbers1, s.most_common_vals::text as values1,
       case when s.histogram_bounds is not null then 2 else 0 end as kind2, null::text as operator2, null::text as collation2,
       null::text as numbers2, s.histogram_bounds::text as values2,
       case when s.correlation is not null then 3 else 0 end as kind3, null::text as operator3, null::text as collation3,
       array[s.correlation]::text as numbers3, null::text as values3,
       case when s.most_common_elems is not null then 4 else 0 end as kind4, null::text as operator4, null::text as collation4,
       s.most_common_elem_freqs::text as numbers4, s.most_common_elems::text as values4,
       case when s.elem_count_histogram is not null then 5 else 0 end as kind5, null::text as operator5,
       null::text as collation5, s.elem_count_histogram::text as numbers5, null::text as values5
from pg_stats s
     join pg_namespace n on n.nspname = s.schemaname
     join pg_class r on r.relnamespace = n.oid and r.relname = s.tablename
     join pg_attribute a on a.attrelid = r.oid and a.attname = s.attname
where r.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by r.oid, a.attnum, s.inherited
