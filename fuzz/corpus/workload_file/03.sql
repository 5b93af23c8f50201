-- calls: 5
select 'ä';
\set x 1
select $$;$$;