SELECT p.create_index, p.drop_index, p.replace_index, p.windows, p.changed_by, (extract(epoch FROM p.changed_at) * 1000000)::bigint,
       (extract(epoch FROM w.opens_at) * 1000000)::bigint, (extract(epoch FROM w.closes_at) * 1000000)::bigint
  FROM fettle.targets t
  LEFT JOIN fettle.change_policies p ON p.target_id = t.target_id
  LEFT JOIN LATERAL fettle.change_window_at(p.windows, timestamptz 'epoch' + $2::bigint * interval '1 microsecond') w ON true
 WHERE t.target_id = $1::bigint
