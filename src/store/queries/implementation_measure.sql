SELECT m.impl_id FROM fettle.measure_implementation_results($1::bigint) m
