SELECT name, conninfo, encode(sealed_password, 'hex') FROM fettle.targets WHERE target_id = $1
