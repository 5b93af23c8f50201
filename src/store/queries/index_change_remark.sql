UPDATE fettle.index_changes SET error_message = $2::text WHERE id = $1::bigint
