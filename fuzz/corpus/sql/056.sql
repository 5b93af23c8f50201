select sum(total) over w, avg(total) over w from orders window w as (partition by status)
