-- Its first attempt ended before anything was sent: it has touched nothing. A later attempt's has its own beginning.
UPDATE fettle.index_changes SET started_at = NULL
 WHERE id = $1::bigint AND state = 'running' AND attempts = 1
