-- SPDX-License-Identifier: PostgreSQL
-- What analysis of a workload remembers from one time to the next: the schema that statements are read against, and the class
-- that each statement was given.

-- The newest snapshot of each database, as a snapshot file's bytes, redacted: names, sizes and figures, no values.
CREATE TABLE fettle.target_snapshots (
    target_id bigint NOT NULL REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63) NOT NULL,
    taken_at timestamptz NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (target_id, database_name)
);
ALTER TABLE fettle.target_snapshots ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON COLUMN fettle.target_snapshots.data IS 'a redacted snapshot file (*.fettle); compressed already';

CREATE TABLE fettle.workload_classes (
    target_id bigint NOT NULL REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63) NOT NULL,
    query_hash bigint NOT NULL,
    class text NOT NULL CHECK (class IN ('OLTP', 'OLAP', 'MIXED')),
    weight text NOT NULL CHECK (weight IN ('LIGHT', 'MEDIUM', 'HEAVY')),
    cadence text NOT NULL CHECK (cadence IN ('AD_HOC', 'SCHEDULED')),
    next_class text,
    next_weight text,
    next_cadence text,
    changed_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (target_id, database_name, query_hash)
);
COMMENT ON COLUMN fettle.workload_classes.next_class IS 'what the last analysis found instead; taken when the next one finds it too';
