-- Whether there is a store at all.
SELECT to_regclass('fettle.migrations') IS NOT NULL
