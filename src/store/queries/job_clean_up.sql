WITH old AS (DELETE FROM fettle.jobs WHERE status NOT IN ('pending', 'running') AND completed_at < now() - $1::bigint * interval '1 millisecond')
UPDATE fettle.jobs SET status = 'failed', error_message = 'the server stopped', completed_at = now() WHERE status = 'running'
