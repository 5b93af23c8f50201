-- What waits for a window is planned anew, for there may be an earlier one by now.
WITH replanned AS (
    UPDATE fettle.scheduled_changes c SET planned_from = now()
     WHERE c.target_id = $1::bigint AND c.state = 'waiting' AND c.moment = 'window' AND c.planned_from > now()
)
INSERT INTO fettle.change_policies AS p (target_id, create_index, drop_index, replace_index, windows, changed_by)
VALUES ($1::bigint, $2, $3, $4, fettle.change_windows_check($5::text[]), $6)
    ON CONFLICT (target_id) DO UPDATE
       SET create_index = excluded.create_index, drop_index = excluded.drop_index, replace_index = excluded.replace_index,
           windows = excluded.windows, changed_by = excluded.changed_by, changed_at = now()
