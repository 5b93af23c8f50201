-- name: counts_right
-- versions: 15-
select has_parameter_privilege('track_counts', 'SET')
