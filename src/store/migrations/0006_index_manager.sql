-- SPDX-License-Identifier: PostgreSQL
-- What the index manager needs to survive a kill at any moment: each change's row is written before its first statement is sent,
-- with the statement that undoes it, and its state tells whoever comes next what is left to do.

ALTER TABLE fettle.index_changes
    ADD COLUMN database_name varchar(63) NOT NULL DEFAULT '',
    ADD COLUMN state varchar(20) NOT NULL DEFAULT 'completed'
        CHECK (state IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    ADD COLUMN index_type varchar(50) NOT NULL DEFAULT 'btree',
    ADD COLUMN started_at timestamptz,
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN backend_pid integer,
    ADD COLUMN progress jsonb,
    ADD COLUMN cancel_requested boolean NOT NULL DEFAULT false,
    ADD CHECK (state <> 'running' OR undo_sql IS NOT NULL);
-- One at a time on a table: the gains of two at once cannot be told apart, and their locks wait for each other.
CREATE UNIQUE INDEX index_changes_open ON fettle.index_changes (target_id, database_name, schema_name, table_name)
    WHERE state IN ('pending', 'running');
CREATE INDEX index_changes_recommendation ON fettle.index_changes (recommendation_id);

CREATE INDEX index_recommendations_status ON fettle.index_recommendations (target_id, status, estimated_benefit DESC);
