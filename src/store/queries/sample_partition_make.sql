SELECT fettle.partition_make($1::name, $2::timestamptz)
