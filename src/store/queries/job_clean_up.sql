UPDATE fettle.jobs SET status = 'failed', error_message = 'the server stopped', completed_at = now() WHERE status = 'running'
