-- name: statistics_function
-- versions: 13-
select relation_id, attnum, column_name, is_inherited, null_fraction, average_width_bytes, n_distinct,
       kind1, operator1, collation1, numbers1, values1, kind2, operator2, collation2, numbers2, values2,
       kind3, operator3, collation3, numbers3, values3, kind4, operator4, collation4, numbers4, values4,
       kind5, operator5, collation5, numbers5, values5
from fettle.column_statistics()
order by relation_id, attnum, is_inherited
