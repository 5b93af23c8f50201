-- Whether the index that a change drops was made by an earlier one; a change that modifies has made it also when it came to half.
SELECT EXISTS (SELECT FROM fettle.index_changes c
                 JOIN fettle.index_changes m ON m.target_id = c.target_id AND m.database_name = c.database_name
                      AND m.schema_name = c.schema_name AND m.table_name = c.table_name AND m.id < c.id
                WHERE c.id = $1::bigint AND m.index_name = $2
                  AND (m.action = 'create' AND m.success OR m.action = 'modify' AND m.success IS NOT NULL))
