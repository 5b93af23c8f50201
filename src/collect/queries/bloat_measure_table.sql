-- name: bloat_measure_table
-- versions: 13-
select dead_tuple_len + approx_free_space from @schema@.pgstattuple_approx($1::oid::regclass)
