-- name: counts_right
-- versions: 13-14
select current_setting('is_superuser')::bool
