select id from orders where not (shipped_on is not null)
