-- name: settings
-- versions: 13-
select name,
       case when source in ('session', 'client') then reset_val
            when source in ('user', 'database user') then boot_val
            else setting end as value,
       unit, vartype as type, category, source, boot_val as boot_value, pending_restart as is_pending_restart
from pg_settings
where name not in ('primary_conninfo', 'ssl_passphrase_command', 'archive_command', 'restore_command',
                   'archive_cleanup_command', 'recovery_end_command', 'krb_server_keyfile', 'application_name')
order by name collate "C"
