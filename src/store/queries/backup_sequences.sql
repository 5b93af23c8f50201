SELECT relname FROM pg_class WHERE relnamespace = 'fettle'::regnamespace AND relkind = 'S' ORDER BY relname
