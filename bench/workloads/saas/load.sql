-- SPDX-License-Identifier: PostgreSQL
-- Fills the tracker. psql variable "scale": 1 makes about 700 MB. The same scale and "seed" (0 to 1) always give the same rows. Needs a superuser:
-- foreign keys are not checked row by row, the rows are made to keep them.
\if :{?scale}
\else
\set scale 1
\endif
\if :{?seed}
\else
\set seed 0.17
\endif
SELECT greatest(20, ceil(400 * :scale))::int AS tenants, ceil(40000 * :scale)::int AS members, ceil(4000 * :scale)::int AS projects,
       ceil(1000000 * :scale)::int AS issues, ceil(1500000 * :scale)::int AS comments,
       ceil(1000000 * :scale)::int AS notifications, ceil(1000000 * :scale)::int AS audits \gset
SET session_replication_role = replica;
SET timezone = 'UTC';
SELECT setseed(:seed) AS seeded \gset

INSERT INTO tenants
SELECT n, 'Company ' || n, (ARRAY['free', 'team', 'business'])[1 + n % 3], timestamptz '2024-01-01 00:00+00' + n * interval '1 day'
FROM generate_series(1, :tenants) n;

-- A few companies are large: the square of a uniform number. A member's tenant follows from the number alone, a project's too.
INSERT INTO members (id, tenant_id, email, name, role, last_seen_at, deleted_at)
SELECT n, 1 + floor(:tenants * ((n * 7919 % 10007) / 10007.0) ^ 2)::int, 'member' || n || '@company.example', 'Member ' || n,
       CASE WHEN n % 20 = 0 THEN 'admin' ELSE 'member' END,
       CASE WHEN n % 5 <> 0 THEN timestamptz '2026-06-30 00:00+00' - random() * interval '200 days' END,
       CASE WHEN n % 25 = 0 THEN timestamptz '2026-03-01 00:00+00' END
FROM generate_series(1, :members) n;
INSERT INTO projects (id, tenant_id, key, name, archived_at)
SELECT n, 1 + floor(:tenants * ((n * 7919 % 1009) / 1009.0) ^ 2)::int, 'P' || n, 'Project ' || n,
       CASE WHEN n % 4 = 0 THEN timestamptz '2026-01-01 00:00+00' END
FROM generate_series(1, :projects) n;

-- Most issues are done; the open ones are young. Assignees are of the tenant where it has members of that number.
INSERT INTO issues (id, tenant_id, project_id, assignee_id, state, title, labels, fields, due_on, created_at, updated_at, deleted_at)
SELECT n, p.tenant_id, p.id, CASE WHEN n % 6 <> 0 THEN 1 + (n * 31 + p.id) % :members END,
       CASE WHEN n > :issues * 0.93 THEN (ARRAY['open', 'doing', 'blocked'])[1 + n % 3]::issue_state ELSE 'done' END,
       'Issue ' || md5(n::text), ARRAY['label' || n % 40, 'area' || n % 9],
       jsonb_build_object('points', n % 13, 'component', 'component' || n % 60, 'customer', 'customer' || n * 17 % 5000),
       CASE WHEN n % 3 = 0 THEN date '2025-01-01' + (n * 540.0 / :issues)::int + n % 30 END,
       timestamptz '2025-01-01 00:00+00' + n * (interval '545 days' / :issues),
       timestamptz '2025-01-01 00:00+00' + n * (interval '545 days' / :issues) + random() * interval '20 days',
       CASE WHEN n % 40 = 0 THEN timestamptz '2026-06-01 00:00+00' END
FROM generate_series(1, :issues) n JOIN projects p ON p.id = 1 + floor(:projects * ((n * 104729::bigint % 99991) / 99991.0) ^ 2)::int
ORDER BY n;

INSERT INTO comments (tenant_id, issue_id, author_id, body, created_at)
SELECT i.tenant_id, i.id, 1 + (n * 13) % :members, repeat(md5(n::text) || ' ', 1 + n % 6), i.created_at + (n % 50) * interval '1 hour'
FROM generate_series(1, :comments) n JOIN issues i ON i.id = 1 + (n * 7919::bigint) % :issues ORDER BY n;
INSERT INTO notifications (tenant_id, member_id, issue_id, kind, created_at, read_at)
SELECT m.tenant_id, m.id, 1 + (n * 6151::bigint) % :issues, (ARRAY['mention', 'assigned', 'due', 'comment'])[1 + n % 4],
       timestamptz '2026-01-01 00:00+00' + n * (interval '180 days' / :notifications),
       CASE WHEN n % 33 <> 0 THEN timestamptz '2026-06-30 00:00+00' END
FROM generate_series(1, :notifications) n JOIN members m ON m.id = 1 + (n * 271) % :members ORDER BY n;
INSERT INTO audit (tenant_id, member_id, action, at, details)
SELECT 1 + floor(:tenants * random() ^ 2)::int, 1 + n % :members, (ARRAY['login', 'edit', 'export', 'invite', 'delete'])[1 + n % 5],
       timestamptz '2026-01-01 00:00+00' + n * (interval '180 days' / :audits), jsonb_build_object('address', '10.0.' || n % 256 || '.1')
FROM generate_series(1, :audits) n;

SELECT setval(pg_get_serial_sequence(name, 'id'), (:issues + :comments + :notifications + :audits)::bigint)
FROM unnest(ARRAY['members', 'projects', 'issues', 'comments', 'notifications', 'audit']) name;
VACUUM (ANALYZE) tenants, members, projects, issues, comments, notifications, audit;
