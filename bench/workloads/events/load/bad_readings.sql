SELECT device_id, count(*) FROM readings WHERE quality = 1 GROUP BY device_id ORDER BY 2 DESC LIMIT 20;
