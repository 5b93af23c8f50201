\set bid random(1, :scale)
SELECT count(*), sum(abalance) FROM pgbench_accounts WHERE bid = :bid;
