-- name: checkpoints_checkpointer
-- versions: 13-
select num_timed as checkpoints_timed, num_requested as checkpoints_requested, write_time as checkpoint_write_ms,
       buffers_written as buffers_checkpoint
from pg_stat_checkpointer
