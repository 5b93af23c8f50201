select id from orders where created_at > '2024-01-01'::timestamp
