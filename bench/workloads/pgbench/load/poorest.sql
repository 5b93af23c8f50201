SELECT aid, abalance FROM pgbench_accounts ORDER BY abalance LIMIT 10;
