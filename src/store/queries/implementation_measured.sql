SELECT fettle.implementation_measured($1::bigint, $2::jsonb, $3::double precision, $4::double precision, $5::double precision, $6::double precision,
                                      $7::text, $8::text)
