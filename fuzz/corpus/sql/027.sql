select id from customers where attributes ?| array['a','b']
