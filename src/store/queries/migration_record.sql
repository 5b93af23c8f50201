INSERT INTO fettle.migrations (version, name, checksum) VALUES ($1, $2, $3)
