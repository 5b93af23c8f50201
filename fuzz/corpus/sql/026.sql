select id from customers where created_at + interval '1 day' > now()
