-- name: statistics_types
-- versions: 13-
DROP TABLE IF EXISTS pg_temp.fettle_types;
CREATE TEMPORARY TABLE fettle_types USING heap AS
WITH RECURSIVE used AS (
    SELECT type_id FROM pg_temp.fettle_used
), base AS (
    SELECT u.type_id, t.oid AS base_id, t.typtype, t.typbasetype, t.typelem, t.typlen
    FROM used u JOIN pg_catalog.pg_type t ON t.oid = u.type_id
    UNION ALL
    SELECT b.type_id, t.oid, t.typtype, t.typbasetype, t.typelem, t.typlen
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
), plain AS (
    SELECT type_id, base_id,
           CASE WHEN base_id = 'tsvector'::regtype THEN 'text'::regtype::oid
                WHEN typlen = -1 AND typelem <> 0 THEN typelem ELSE 0::oid END AS element_id
    FROM base WHERE typtype <> 'd'
), compared AS (
    SELECT p.type_id, p.base_id, p.element_id, e.kind,
           CASE WHEN t.typtype = 'e' THEN 'anyenum'::regtype::oid
                WHEN t.typtype = 'r' THEN 'anyrange'::regtype::oid
                WHEN t.typtype = 'm' THEN coalesce(to_regtype('anymultirange')::oid, 0)
                WHEN t.typtype = 'c' THEN 'record'::regtype::oid
                WHEN t.typlen = -1 AND t.typelem <> 0 THEN 'anyarray'::regtype::oid
                WHEN t.oid = 'varchar'::regtype THEN 'text'::regtype::oid ELSE t.oid END AS input_id
    FROM plain p
         CROSS JOIN LATERAL (VALUES ('self', p.base_id), ('element', p.element_id)) AS e (kind, id)
         JOIN pg_catalog.pg_type t ON t.oid = e.id
), operators AS (
    SELECT c.type_id, c.kind, o.amopstrategy, o.amopopr
    FROM compared c
         JOIN pg_catalog.pg_opclass k ON k.opcintype = c.input_id AND k.opcdefault
         JOIN pg_catalog.pg_am m ON m.oid = k.opcmethod AND m.amname = 'btree'
         JOIN pg_catalog.pg_amop o ON o.amopfamily = k.opcfamily AND o.amoplefttype = c.input_id
              AND o.amoprighttype = c.input_id AND o.amopstrategy IN (1, 3)
)
SELECT p.type_id, p.base_id, p.element_id,
       (SELECT amopopr FROM operators o WHERE o.type_id = p.type_id AND o.kind = 'self' AND o.amopstrategy = 3) AS equal,
       (SELECT amopopr FROM operators o WHERE o.type_id = p.type_id AND o.kind = 'self' AND o.amopstrategy = 1) AS less,
       (SELECT amopopr FROM operators o WHERE o.type_id = p.type_id AND o.kind = 'element' AND o.amopstrategy = 3) AS element_equal,
       (SELECT r.rngtypid FROM pg_catalog.pg_range r
        WHERE p.base_id IN (r.rngtypid, coalesce((to_jsonb(r) ->> 'rngmultitypid')::oid, 0)) LIMIT 1) AS range_id
FROM plain p;
