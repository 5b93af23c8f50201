\set d random(1, :devices)
INSERT INTO readings VALUES (now(), :d, 0, 21.5, 0), (now(), :d, 1, 1.5, 0), (now(), :d, 2, 7.5, 0);
