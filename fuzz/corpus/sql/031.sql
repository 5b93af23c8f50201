select 1 from customers c right join orders o on c.id = o.customer_id and c.country = 'x'
