select 1 from a_function(3) f join orders o on o.id = f.x where y = 3
