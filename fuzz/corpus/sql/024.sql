select id from customers where slug(name)
