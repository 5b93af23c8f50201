-- What a partition may be made of.
SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'fettle'::regnamespace AND relname = $1 AND relkind = 'p')
