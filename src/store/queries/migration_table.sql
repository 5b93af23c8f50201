-- The schema and the history itself, before the first migration.
CREATE SCHEMA IF NOT EXISTS fettle;
CREATE TABLE IF NOT EXISTS fettle.migrations (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
