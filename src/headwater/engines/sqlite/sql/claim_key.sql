-- A unique key for a stream; nothing happens if it holds it already.
INSERT INTO headwater_unique_keys (scope, value, stream) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
