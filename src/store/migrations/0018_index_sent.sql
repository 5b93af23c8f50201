-- SPDX-License-Identifier: PostgreSQL
-- What is sent to a target is recorded before it is, so that whoever comes after a kill can tell from the target's catalogs whether it was
-- done, and by whom. And how an undo found things is kept with its result.

ALTER TABLE fettle.index_changes
    ADD COLUMN sent_action varchar(10) CHECK (sent_action IN ('create', 'drop')),
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN sent_index_oid oid,
    ADD COLUMN sent_system bigint,
    ADD COLUMN sent_server_start timestamptz,
    ADD COLUMN sent_pid integer,
    ADD COLUMN sent_backend_start timestamptz,
    ADD CHECK ((sent_action IS NULL) = (sent_at IS NULL));
COMMENT ON COLUMN fettle.index_changes.sent_action IS 'which statement was sent last: that which creates, or that which drops; NULL: none was';
COMMENT ON COLUMN fettle.index_changes.sent_index_oid IS 'of the index that was to be dropped, just before; NULL: one was to be created, or it is not known';
COMMENT ON COLUMN fettle.index_changes.sent_system IS 'the system identifier of the server that it was sent to; NULL: the role is not told';
COMMENT ON COLUMN fettle.index_changes.sent_server_start IS 'since when that server''s processes ran';
COMMENT ON COLUMN fettle.index_changes.sent_pid IS 'the server''s process that it was sent to, with sent_backend_start';
-- Earlier versions kept no record: what they sent is not known.
UPDATE fettle.index_changes
   SET sent_action = CASE action WHEN 'create' THEN 'create' ELSE 'drop' END, sent_at = coalesce(started_at, performed_at)
 WHERE state = 'running' AND attempts > 0;

ALTER TABLE fettle.optimization_implementations ADD COLUMN undo_remark text;
COMMENT ON COLUMN fettle.optimization_implementations.undo_remark IS 'how an undo found things that had nothing to do; that of one that changed something is with its index change';
