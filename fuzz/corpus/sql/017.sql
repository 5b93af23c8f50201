select c.id from customers c join products p on c.name like p.name
