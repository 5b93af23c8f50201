SELECT fettle.partitions_drop($1::timestamptz, $2::bigint * interval '1 millisecond', $3::bigint * interval '1 millisecond')
