select 1 from left_unknown where a = 1
