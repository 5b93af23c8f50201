-- calls: x
select 1