-- name: extended_data
-- versions: 13
select d.stxoid as id, 'false' as is_inherited, d.stxdndistinct::text as ndistinct,
       d.stxddependencies::text as dependencies,
       (select jsonb_agg(to_jsonb(m) order by m.index) from pg_mcv_list_items(d.stxdmcv) m)::text as mcv_json,
       null::text as expressions_json
from pg_statistic_ext_data d join pg_statistic_ext e on e.oid = d.stxoid
order by d.stxoid
