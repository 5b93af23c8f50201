SELECT holder, process_id, to_char(taken_at, 'YYYY-MM-DD HH24:MI:SS') || ' UTC' FROM fettle.servers ORDER BY taken_at DESC LIMIT 1
