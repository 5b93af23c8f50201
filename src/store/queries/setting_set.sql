INSERT INTO fettle.settings (key, value, changed_by) VALUES ($1, to_jsonb($2::text), $3)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_by = excluded.changed_by, changed_at = now()
