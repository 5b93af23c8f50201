with x as (select 1) /* c */ select -- d
 1
