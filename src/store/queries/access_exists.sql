SELECT to_regprocedure('fettle.access_grant()') IS NOT NULL
