SELECT EXISTS (SELECT FROM fettle.statements s
               WHERE s.target_id = $1::bigint AND s.query_hash = hashes.query_hash AND starts_with(s.query_text, $3::text))
FROM unnest($2::bigint[]) WITH ORDINALITY hashes(query_hash, place)
ORDER BY hashes.place
