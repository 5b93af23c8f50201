-- name: relation_size
-- versions: 13-
select pg_relation_size($1::oid)
