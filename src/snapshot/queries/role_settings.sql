-- name: role_settings
-- versions: 13-
select r.rolname as role, d.datname as database, split_part(config, '=', 1) as name,
       substr(config, strpos(config, '=') + 1) as value
from pg_db_role_setting s
     cross join lateral unnest(s.setconfig) with ordinality as c (config, position)
     left join pg_roles r on r.oid = s.setrole
     left join pg_database d on d.oid = s.setdatabase
where s.setdatabase = 0 or d.datname = current_database()
order by s.setdatabase, s.setrole, c.position
