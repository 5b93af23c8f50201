DELETE FROM fettle.scheduled_changes WHERE state <> 'waiting' AND ended_at < now() - $1::bigint * interval '1 millisecond'
