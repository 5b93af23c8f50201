select id from customers where active is true and active is not false
