-- mean_ms: 1e3
-- calls: 2
insert into t values (1);select * form t