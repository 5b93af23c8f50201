SELECT fettle.partition_make($1::name, timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
