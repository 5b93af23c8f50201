INSERT INTO fettle.change_policies AS p (target_id, create_index, drop_index, replace_index, windows, changed_by)
VALUES ($1::bigint, $2, $3, $4, fettle.change_windows_check($5::text[]), $6)
    ON CONFLICT (target_id) DO UPDATE
       SET create_index = excluded.create_index, drop_index = excluded.drop_index, replace_index = excluded.replace_index,
           windows = excluded.windows, changed_by = excluded.changed_by, changed_at = now()
