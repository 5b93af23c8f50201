-- SPDX-License-Identifier: PostgreSQL
-- A change that a service stopped when it ended is told from one that a person cancelled, also when its leftover could be dropped later only.
ALTER TABLE fettle.index_changes
    DROP CONSTRAINT index_changes_held_by_check,
    ADD CONSTRAINT index_changes_held_by_check CHECK (held_by IN ('pause', 'moment', 'stop'));
COMMENT ON COLUMN fettle.index_changes.held_by IS 'what asked it to stop, where no person did: a pause, that its moment was over, or that the service ended';

-- An undo that did not succeed (0013), but for one thing more: a service that ends is nobody's wish to keep what does harm either.
CREATE OR REPLACE FUNCTION fettle.implementation_undo_failed(implementation_id bigint, change_id bigint, message text, was_stopped boolean)
    RETURNS void
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE fettle.optimization_implementations i
       SET error_message = 'it could not be undone: ' || $3, undo_change_id = NULL,
           undo_failures = i.undo_failures + CASE WHEN h.is_held THEN 0 ELSE 1 END,
           undo_after = CASE WHEN h.is_held THEN i.undo_after
                             WHEN $4 OR i.undo_after = 'infinity' THEN 'infinity'
                             ELSE now() + interval '1 hour' * 2 ^ least(i.undo_failures, 7) END
      FROM (SELECT EXISTS (SELECT FROM fettle.index_changes c WHERE c.id = $2 AND c.held_by IN ('pause', 'stop')) AS is_held) h
     WHERE i.id = $1 AND i.undo_change_id IS NOT DISTINCT FROM $2 AND i.status NOT IN ('reverted', 'failed')
    $$;
