-- name: policies
-- versions: 13-
select p.polrelid as relation_id, p.polname as name, p.polpermissive as is_permissive, p.polcmd as command,
       (select array_agg(case when r.oid is null then 'public' else r.rolname end order by u.position)
        from unnest(p.polroles) with ordinality as u (oid, position) left join pg_roles r on r.oid = u.oid)::text as roles,
       pg_get_expr(p.polqual, p.polrelid) as using_expression, pg_get_expr(p.polwithcheck, p.polrelid) as check_expression
from pg_policy p
order by p.polrelid, p.oid
