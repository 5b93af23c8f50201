/* a /* b */ ; */ select "x;y", E'\';' from t;
--calls:7;
update t set a = $1;;