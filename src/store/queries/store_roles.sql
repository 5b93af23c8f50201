-- Whether the roles for people who work in SQL are there.
SELECT count(*) = 2 FROM pg_roles WHERE rolname IN ('fettle_reader', 'fettle_writer')
