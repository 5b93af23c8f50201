\set aid random(1, 100000 * :scale)
SELECT tid, delta, mtime FROM pgbench_history WHERE aid = :aid ORDER BY mtime DESC LIMIT 10;
