\set c random(0, 899)
INSERT INTO page_views VALUES (now(), md5((:c)::text)::uuid, '/page/1', NULL, jsonb_build_object('campaign', 'c' || :c, 'device', 'phone'));
