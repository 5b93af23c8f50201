-- name: index_probes
-- versions: 13-
select p.id, format('select /* fettle */ %s::oid as id, (select v::text from (select %s as v from only %s where %s is not null order by %s using %s limit 1) p) as low_value, (select v::text from (select %s as v from only %s where %s is not null order by %s using %s limit 1) p) as high_value',
         p.id, p.key, p.relation, p.key, p.ordered, p.less, p.key, p.relation, p.key, p.ordered, p.greater) as probe
from (
  select i.indexrelid as id, pg_get_indexdef(i.indexrelid, 1, false) as key,
         pg_get_indexdef(i.indexrelid, 1, false)
           || case when i.indcollation[0] <> 0 then (select format(' collate %I.%I', cn.nspname, co.collname)
                from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace where co.oid = i.indcollation[0]) else '' end as ordered,
         format('%I.%I', n.nspname, t.relname) as relation,
         (select format('operator(%I.%s)', opn.nspname, op.oprname) from pg_amop a join pg_operator op on op.oid = a.amopopr
          join pg_namespace opn on opn.oid = op.oprnamespace where a.amopfamily = k.opcfamily and a.amopstrategy = 1
            and a.amoplefttype = k.opcintype and a.amoprighttype = k.opcintype) as less,
         (select format('operator(%I.%s)', opn.nspname, op.oprname) from pg_amop a join pg_operator op on op.oid = a.amopopr
          join pg_namespace opn on opn.oid = op.oprnamespace where a.amopfamily = k.opcfamily and a.amopstrategy = 5
            and a.amoplefttype = k.opcintype and a.amoprighttype = k.opcintype) as greater,
         t.relpages
  from pg_index i
       join pg_class c on c.oid = i.indexrelid
       join pg_am am on am.oid = c.relam
       join pg_class t on t.oid = i.indrelid
       join pg_namespace n on n.oid = t.relnamespace
       join pg_opclass k on k.oid = i.indclass[0]
  where am.amname = 'btree' and c.relkind = 'i' and i.indisvalid and i.indpred is null and c.relpersistence <> 't' and t.relkind in ('r', 'm')
    and t.relispopulated
    and not (i.indkey[0] > 0 and pg_stat_get_mod_since_analyze(t.oid) = 0
             and coalesce(pg_stat_get_last_analyze_time(t.oid), pg_stat_get_last_autoanalyze_time(t.oid)) is not null
             and t.reltuples between 2 and 300 * current_setting('default_statistics_target')::int
             and t.oid not in (select attrelid from pg_attribute where attnum > 0 and coalesce(attstattarget, -1) >= 0))
    and not row_security_active(t.oid) and has_table_privilege(t.oid, 'select')
    and has_schema_privilege(n.oid, 'usage')
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
) p
where p.less is not null and p.greater is not null
order by p.relpages desc, p.id
