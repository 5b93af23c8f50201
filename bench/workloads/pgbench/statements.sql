-- SPDX-License-Identifier: PostgreSQL
-- The statements of pgbench's built-in scripts (tpcb-like, simple-update, select-only) over the tables that "pgbench -i" makes:
-- as the server's statistics show them, and with values; then a few questions people ask of these tables.
UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;
SELECT abalance FROM pgbench_accounts WHERE aid = $1;
UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2;
UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP);
UPDATE pgbench_accounts SET abalance = abalance + 311 WHERE aid = 40077;
SELECT abalance + 0 FROM pgbench_accounts WHERE aid = 40077;
UPDATE pgbench_tellers SET tbalance = tbalance - 17 WHERE tid = 7;
UPDATE pgbench_branches SET bbalance = bbalance + 99 WHERE bid = 1;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (7, 1, 40077, 311, '2026-01-01');
SELECT count(*) FROM pgbench_accounts WHERE abalance > 0;
SELECT * FROM pgbench_accounts WHERE aid BETWEEN 500 AND 900 ORDER BY aid;
SELECT * FROM pgbench_accounts WHERE aid IN (1, 10, 100, 1000, 10000);
SELECT max(aid), min(aid) FROM pgbench_accounts;
SELECT * FROM pgbench_accounts ORDER BY abalance DESC LIMIT 10;
SELECT bid, count(*), sum(abalance) FROM pgbench_accounts GROUP BY bid ORDER BY bid;
SELECT b.bid, b.bbalance, sum(t.tbalance) FROM pgbench_branches b JOIN pgbench_tellers t ON t.bid = b.bid GROUP BY b.bid, b.bbalance;
SELECT a.aid, a.abalance FROM pgbench_accounts a JOIN pgbench_branches b ON b.bid = a.bid WHERE b.bbalance < 0 AND a.aid < 200;
SELECT h.aid, sum(h.delta) FROM pgbench_history h JOIN pgbench_accounts a ON a.aid = h.aid WHERE h.mtime > '2026-01-01' GROUP BY h.aid ORDER BY 2 DESC LIMIT 10;
SELECT count(*) FROM pgbench_history WHERE tid = 7;
