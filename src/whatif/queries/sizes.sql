-- name: sizes
-- versions: 13-
UPDATE pg_catalog.pg_class c
SET relpages = v.pages, reltuples = v.tuples, relallvisible = v.visible, relrewrite = v.blocks::oid, relispopulated = true
FROM unnest($1::oid[], $2::int[], $3::float4[], $4::int[], $5::bigint[]) AS v (id, pages, tuples, visible, blocks)
WHERE c.oid = v.id
  AND (c.relpages, c.reltuples, c.relallvisible, c.relrewrite::bigint, c.relispopulated)
      IS DISTINCT FROM (v.pages, v.tuples, v.visible, v.blocks, true)
RETURNING c.oid
