-- name: settings
-- versions: 13-
select name, case when source = 'session' then reset_val else setting end, case when source = 'session' then '' else source end
from pg_settings
where name not in ('application_name', 'client_encoding', 'transaction_isolation', 'transaction_read_only', 'transaction_deferrable')
order by name
limit 5000
