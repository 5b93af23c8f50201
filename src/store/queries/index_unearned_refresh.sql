SELECT fettle.indexes_unearned_refresh($1::bigint)
