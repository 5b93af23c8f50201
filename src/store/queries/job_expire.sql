DELETE FROM fettle.jobs WHERE status NOT IN ('pending', 'running') AND completed_at < now() - $1::bigint * interval '1 millisecond'
