SELECT fettle.partitions_make_ahead($1::timestamptz)
