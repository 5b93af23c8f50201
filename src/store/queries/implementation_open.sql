SELECT o.impl_id FROM fettle.implementation_open($1::bigint, $2::bigint, $3::text, $4::jsonb, $5::bigint) o
