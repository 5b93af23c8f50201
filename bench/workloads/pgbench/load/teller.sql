\set tid random(1, 10 * :scale)
SELECT count(*), sum(delta) FROM pgbench_history WHERE tid = :tid;
