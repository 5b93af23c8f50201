select id from orders where not active_unknown
