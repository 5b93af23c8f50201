\set n random(0, 2000)
SELECT kind, count(*), avg(value) FROM readings WHERE at >= timestamptz '2026-04-02 00:00+00' + :n * interval '1 hour' AND at < timestamptz '2026-04-02 01:00+00' + :n * interval '1 hour' GROUP BY kind;
