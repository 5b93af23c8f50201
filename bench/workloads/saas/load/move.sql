\set i random(1, :issues)
\set s random(0, 3)
UPDATE issues SET state = (ARRAY['open', 'doing', 'blocked', 'done'])[1 + :s]::issue_state, updated_at = now() WHERE id = :i;
