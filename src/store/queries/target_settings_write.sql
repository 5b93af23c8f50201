WITH current AS (
    SELECT * FROM unnest($3::text[], $4::text[], $5::text[]) AS u (name, value, source)
), known AS (
    SELECT name, value FROM fettle.target_settings WHERE target_id = $1::bigint
), difference AS (
    SELECT coalesce(c.name, k.name) AS name, k.value AS old_value, c.value AS new_value, c.source, c.name IS NULL AS is_gone
      FROM current c FULL JOIN known k ON k.name = c.name
     WHERE c.name IS NULL OR k.name IS NULL OR c.value IS DISTINCT FROM k.value
), logged AS (
    INSERT INTO fettle.setting_changes (target_id, changed_at, name, old_value, new_value, source)
    SELECT $1::bigint, timestamptz 'epoch' + $2::bigint * interval '1 microsecond', name, old_value, new_value, source
      FROM difference
     WHERE EXISTS (SELECT FROM known)
    ON CONFLICT DO NOTHING
), removed AS (
    DELETE FROM fettle.target_settings
     WHERE target_id = $1::bigint AND name IN (SELECT name FROM difference WHERE is_gone)
)
INSERT INTO fettle.target_settings (target_id, name, value, source, seen_at)
SELECT $1::bigint, name, new_value, source, timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
  FROM difference
 WHERE NOT is_gone
ON CONFLICT (target_id, name) DO UPDATE SET value = excluded.value, source = excluded.source, seen_at = excluded.seen_at
