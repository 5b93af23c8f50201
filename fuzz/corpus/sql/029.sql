select id from customers where not ('a' = any(tags))
