-- What was applied, oldest first.
SELECT version, checksum FROM fettle.migrations ORDER BY version
