SELECT t.target_id, (extract(epoch FROM o.day) / 86400)::bigint
FROM unnest($1::bigint[]) t(target_id)
CROSS JOIN LATERAL fettle.database_days_open(t.target_id, ($2::timestamptz AT TIME ZONE 'UTC')::date) o(day)
WHERE o.day < 'infinity'
