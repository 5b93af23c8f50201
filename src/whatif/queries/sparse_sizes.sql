-- name: sparse_sizes
-- versions: 13-
WITH given AS (
    SELECT * FROM unnest($1::oid[], $2::int[], $3::float4[], $4::int[], $5::bigint[], $6::bigint[], $7::int[])
        AS v (id, pages, tuples, visible, blocks, own_blocks, height)
), changed AS (
    UPDATE pg_catalog.pg_class c
    SET relpages = v.pages, reltuples = v.tuples, relallvisible = v.visible, relispopulated = true
    FROM given v LEFT JOIN fettle_twin.sizes s ON s.relation = v.id
    WHERE c.oid = v.id
      AND (c.relpages, c.reltuples, c.relallvisible, c.relispopulated, s.blocks, s.height)
          IS DISTINCT FROM (v.pages, v.tuples, v.visible, true, v.blocks, v.height)
    RETURNING c.oid
), noted AS (
    INSERT INTO fettle_twin.sizes (relation, filenode, own_blocks, blocks, height, pages, tuples, visible)
    SELECT v.id, coalesce(pg_relation_filenode(v.id), 0), v.own_blocks, v.blocks, v.height, v.pages, v.tuples, v.visible FROM given v
    ON CONFLICT (relation) DO UPDATE
    SET filenode = excluded.filenode, own_blocks = excluded.own_blocks, blocks = excluded.blocks, height = excluded.height,
        pages = excluded.pages, tuples = excluded.tuples, visible = excluded.visible
    WHERE (sizes.filenode, sizes.own_blocks, sizes.blocks, sizes.height, sizes.pages, sizes.tuples, sizes.visible)
          IS DISTINCT FROM (excluded.filenode, excluded.own_blocks, excluded.blocks, excluded.height, excluded.pages,
                            excluded.tuples, excluded.visible)
)
SELECT count(*) FROM changed
