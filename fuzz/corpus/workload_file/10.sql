-- calls: 1e15, mean_ms: 1e12
select 1;
-- calls: 0
select 2