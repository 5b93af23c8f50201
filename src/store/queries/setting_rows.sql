SELECT key, value #>> '{}', changed_by, (extract(epoch FROM changed_at) * 1000000)::bigint FROM fettle.settings ORDER BY key
