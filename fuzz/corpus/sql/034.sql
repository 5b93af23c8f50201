select 1 from orders o join items i on i.order_id = o.id join products p on p.id = i.product_id where p.name = 'x'
