-- name: bloat_measure_index
-- versions: 13-
select current_setting('block_size')::float8
       * (empty_pages + deleted_pages + leaf_pages * greatest(0, 1 - coalesce(nullif(avg_leaf_density, 'NaN'), 90) / 90))
from @schema@.pgstatindex($1::oid::regclass)
