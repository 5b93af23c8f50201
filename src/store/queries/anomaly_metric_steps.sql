SELECT ended_us, avg(figures[9]), avg(figures[2]), avg(figures[16]), avg(figures[18] + figures[19] + figures[20]), avg(figures[22]),
       avg(figures[23]), avg(figures[38])
FROM (SELECT ((extract(epoch FROM r.collected_at) * 1000000)::bigint / $4::bigint + 1) * $4::bigint AS ended_us, r.figures
        FROM fettle.metric_rounds r
       WHERE r.target_id = $1::bigint AND r.collected_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
         AND r.collected_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond') rounds
GROUP BY ended_us
ORDER BY ended_us
