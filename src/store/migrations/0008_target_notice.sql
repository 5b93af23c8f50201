-- SPDX-License-Identifier: PostgreSQL
-- What the owner of a target should know though its last round went well had the same column as failures; now it has its own.

ALTER TABLE fettle.targets ADD COLUMN last_notice text;
COMMENT ON COLUMN fettle.targets.last_error IS 'why the last round failed; NULL: it went well';
COMMENT ON COLUMN fettle.targets.last_notice IS 'what the owner should know, by the last round that went well; NULL: nothing';

-- The readers' columns of targets are listed in what 0005 made of access_grant(), which 0007 put behind a function of its own.
DO $$
DECLARE
    before constant text := pg_catalog.pg_get_functiondef('fettle.access_grant_before_workload()'::regprocedure);
    after constant text := pg_catalog.replace(before, 'last_error, ', 'last_error, last_notice, ');
BEGIN
    IF after = before THEN
        RAISE EXCEPTION 'fettle.access_grant_before_workload() does not list the columns of fettle.targets';
    END IF;
    EXECUTE after;
END
$$;
