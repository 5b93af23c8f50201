-- name: sparse_index_facts
-- versions: 13-
WITH part AS (
    SELECT c.oid FROM pg_catalog.pg_class c WHERE c.oid = $1::regclass AND c.relkind = 'i'
    UNION ALL
    SELECT p.relid FROM pg_catalog.pg_partition_tree($1::regclass) p JOIN pg_catalog.pg_class c ON c.oid = p.relid
    -- older is what was a partition's own index before
    WHERE c.relkind = 'i' AND p.level > 0 AND p.relid::oid > $1::regclass::oid
)
SELECT c.oid AS index, pg_relation_filenode(c.oid) AS filenode, d.oid AS database, m.amname AS method, i.indisunique AS is_unique,
       k.at <= i.indnkeyatts AS is_key, t.typlen AS length, t.typalign AS alignment,
       coalesce(nullif(s.stawidth, 0), CASE WHEN t.typlen > 0 THEN t.typlen WHEN t.typcategory = 'N' THEN 8 ELSE 32 END) AS width,
       coalesce(s.stanullfrac, 0) AS null_fraction,
       EXISTS (SELECT FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_amproc f ON f.amprocfamily = o.opcfamily
               AND f.amproclefttype = o.opcintype AND f.amprocrighttype = o.opcintype AND f.amprocnum = 4
               WHERE k.at <= i.indnkeyatts AND o.oid = i.indclass[k.at - 1]
                 AND coalesce((SELECT l.collisdeterministic FROM pg_catalog.pg_collation l WHERE l.oid = i.indcollation[k.at - 1]), true))
           AS is_equal_image,
       (SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor') AS fillfactor,
       (SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'pages_per_range') AS pages_per_range,
       coalesce((SELECT option_value FROM pg_options_to_table(c.reloptions) WHERE option_name = 'deduplicate_items'), 'on') AS deduplicates,
       pg_get_indexdef(c.oid, k.at::int, false) AS expression, i.indrelid::regclass::text AS table_name,
       pg_get_expr(i.indpred, i.indrelid) AS predicate, z.blocks AS table_blocks,
       CASE WHEN z.tuples > 0 AND z.pages > 0 THEN z.tuples::float8 / z.pages * z.blocks ELSE -1 END AS table_rows,
       coalesce((SELECT o.opcintype::regtype::text FROM pg_catalog.pg_opclass o WHERE k.at <= i.indnkeyatts AND o.oid = i.indclass[k.at - 1]), '') AS input_type,
       k.attnum > 0 AS is_plain, s.correlation, s.likeness
FROM part p
     JOIN pg_catalog.pg_class c ON c.oid = p.oid
     JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     JOIN pg_catalog.pg_am m ON m.oid = c.relam
     JOIN pg_catalog.pg_database d ON d.datname = current_database()
     JOIN fettle_twin.sizes z ON z.relation = i.indrelid
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, at)
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.at
     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     -- likeness: equal in two columns that have a value for a value; see twin_module/estimate_distinct.c
     LEFT JOIN LATERAL (SELECT s.stawidth, s.stanullfrac,
                               (SELECT n.numbers[1] FROM (VALUES (s.stakind1, s.stanumbers1), (s.stakind2, s.stanumbers2), (s.stakind3, s.stanumbers3),
                                   (s.stakind4, s.stanumbers4), (s.stakind5, s.stanumbers5)) AS n (kind, numbers) WHERE n.kind = 3 LIMIT 1) AS correlation,
                               (SELECT concat_ws('/', s.stanullfrac, s.stadistinct, n.numbers)
                                FROM (VALUES (s.stakind1, s.stanumbers1), (s.stakind2, s.stanumbers2), (s.stakind3, s.stanumbers3),
                                   (s.stakind4, s.stanumbers4), (s.stakind5, s.stanumbers5)) AS n (kind, numbers)
                                WHERE n.kind = 1 AND (SELECT count(DISTINCT f) FROM unnest(n.numbers) f) >= 3 LIMIT 1) AS likeness
                        FROM pg_catalog.pg_statistic s
                        WHERE s.starelid = i.indrelid AND s.staattnum = k.attnum AND k.attnum > 0 ORDER BY s.stainherit LIMIT 1) s ON true
ORDER BY c.oid, k.at
