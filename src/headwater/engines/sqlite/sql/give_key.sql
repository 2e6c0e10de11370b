-- A unique key changes hands, to a stream that is there.
INSERT INTO headwater_unique_keys (scope, value, stream)
SELECT ?1, ?2, id FROM headwater_streams WHERE name = ?3
ON CONFLICT (scope, value) DO UPDATE SET stream = excluded.stream WHERE headwater_unique_keys.stream <> excluded.stream
