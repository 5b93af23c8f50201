SELECT * FROM fettle.index_change_attempt($1::bigint, $2::integer, $3::boolean)
