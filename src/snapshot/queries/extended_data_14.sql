-- name: extended_data
-- versions: 14-
select d.stxoid as id, coalesce(to_jsonb(d) ->> 'stxdinherit', 'false') as is_inherited,
       d.stxdndistinct::text as ndistinct, d.stxddependencies::text as dependencies,
       (select jsonb_agg(to_jsonb(m) order by m.index) from pg_mcv_list_items(d.stxdmcv) m)::text as mcv_json,
       (select jsonb_agg(jsonb_build_object('null_fraction', x.stanullfrac, 'width', x.stawidth, 'n_distinct', x.stadistinct,
              'kind1', x.stakind1, 'operator1', nullif(x.staop1, 0)::regoperator::text, 'collation1', x.stacoll1::regcollation::text,
              'numbers1', x.stanumbers1::text, 'values1', x.stavalues1::text,
              'kind2', x.stakind2, 'operator2', nullif(x.staop2, 0)::regoperator::text, 'collation2', x.stacoll2::regcollation::text,
              'numbers2', x.stanumbers2::text, 'values2', x.stavalues2::text,
              'kind3', x.stakind3, 'operator3', nullif(x.staop3, 0)::regoperator::text, 'collation3', x.stacoll3::regcollation::text,
              'numbers3', x.stanumbers3::text, 'values3', x.stavalues3::text,
              'kind4', x.stakind4, 'operator4', nullif(x.staop4, 0)::regoperator::text, 'collation4', x.stacoll4::regcollation::text,
              'numbers4', x.stanumbers4::text, 'values4', x.stavalues4::text,
              'kind5', x.stakind5, 'operator5', nullif(x.staop5, 0)::regoperator::text, 'collation5', x.stacoll5::regcollation::text,
              'numbers5', x.stanumbers5::text, 'values5', x.stavalues5::text) order by x.ordinality)
        from unnest(d.stxdexpr) with ordinality as x)::text as expressions_json
from pg_statistic_ext_data d join pg_statistic_ext e on e.oid = d.stxoid
order by d.stxoid, 2
