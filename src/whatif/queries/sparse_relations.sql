-- name: sparse_relations
-- versions: 13-
SELECT c.oid, coalesce(m.amname, '') AS method, pg_relation_filenode(c.oid) AS filenode, d.oid AS database,
       s.filenode AS known_filenode, s.own_blocks, s.height, n.nspname, c.relname, coalesce(i.indrelid, 0) AS table_id
FROM pg_catalog.pg_class c
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_catalog.pg_database d ON d.datname = current_database()
     LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
     LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam AND c.relkind = 'i'
     LEFT JOIN fettle_twin.sizes s ON s.relation = c.oid
WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm', 'i') AND n.nspname <> 'fettle_twin'
