select array(select id from orders where status = 'x')
