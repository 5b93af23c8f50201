-- name: meta
-- versions: 13-
select key, value from (values
  ('server_version_num', current_setting('server_version_num')),
  ('server_version', current_setting('server_version')),
  ('database', current_database()::text),
  ('reader', current_user::text),
  ('taken_at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
  ('is_standby', pg_is_in_recovery()::text),
  ('block_bytes', current_setting('block_size')),
  ('encoding', (select pg_encoding_to_char(encoding) from pg_database where datname = current_database())),
  ('collate', (select datcollate from pg_database where datname = current_database())),
  ('ctype', (select datctype from pg_database where datname = current_database())),
  ('collation_provider', (select coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') from pg_database d
                          where datname = current_database())),
  ('icu_locale', (select coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale') from pg_database d
                  where datname = current_database())),
  ('owner', (select pg_get_userbyid(datdba)::text from pg_database where datname = current_database())),
  ('is_superuser', (select rolsuper::text from pg_roles where rolname = current_user))
) as meta (key, value)
order by key collate "C"
