-- name: checkpoints_bgwriter
-- versions: 13-
select checkpoints_timed, checkpoints_req as checkpoints_requested, checkpoint_write_time as checkpoint_write_ms,
       buffers_checkpoint
from pg_stat_bgwriter
