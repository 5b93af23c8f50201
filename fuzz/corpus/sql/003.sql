select id from orders where status = any('{a,b,c}'::text[])
