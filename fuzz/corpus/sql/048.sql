select 1 from archive.orders where archive.orders.status = 'x' and orders.total = 3
