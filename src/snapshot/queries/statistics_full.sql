-- name: statistics_full
-- versions: 13-
select s.starelid as relation_id, s.staattnum as attnum, a.attname as column_name, s.stainherit as is_inherited,
       s.stanullfrac as null_fraction, s.stawidth as average_width_bytes, s.stadistinct as n_distinct,
       s.stakind1 as kind1, nullif(s.staop1, 0)::regoperator::text as operator1,
       (select format('%I.%I', n.nspname, c.collname) from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.oid = s.stacoll1) as collation1,
       s.stanumbers1::text as numbers1, s.stavalues1::text as values1,
       s.stakind2 as kind2, nullif(s.staop2, 0)::regoperator::text as operator2,
       (select format('%I.%I', n.nspname, c.collname) from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.oid = s.stacoll2) as collation2,
       s.stanumbers2::text as numbers2, s.stavalues2::text as values2,
       s.stakind3 as kind3, nullif(s.staop3, 0)::regoperator::text as operator3,
       (select format('%I.%I', n.nspname, c.collname) from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.oid = s.stacoll3) as collation3,
       s.stanumbers3::text as numbers3, s.stavalues3::text as values3,
       s.stakind4 as kind4, nullif(s.staop4, 0)::regoperator::text as operator4,
       (select format('%I.%I', n.nspname, c.collname) from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.oid = s.stacoll4) as collation4,
       s.stanumbers4::text as numbers4, s.stavalues4::text as values4,
       s.stakind5 as kind5, nullif(s.staop5, 0)::regoperator::text as operator5,
       (select format('%I.%I', n.nspname, c.collname) from pg_collation c join pg_namespace n on n.oid = c.collnamespace
        where c.oid = s.stacoll5) as collation5,
       s.stanumbers5::text as numbers5, s.stavalues5::text as values5
from pg_statistic s
     join pg_attribute a on a.attrelid = s.starelid and a.attnum = s.staattnum
     join pg_class r on r.oid = s.starelid
     join pg_namespace rn on rn.oid = r.relnamespace
where r.relpersistence <> 't'
  and rn.nspname not in ('pg_catalog', 'information_schema') and rn.nspname !~ '^pg_(toast|temp)'
order by s.starelid, s.staattnum, s.stainherit
