SELECT pause_id, stopped FROM fettle.pause_begin($1::bigint, $2::boolean, $3::boolean, $4::text, $5::text)
