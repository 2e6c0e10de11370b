-- A new stream, with its first events.
INSERT INTO headwater_streams (id, name, category, partition_key, version, last_timestamp, chain)
VALUES (?, ?, ?, ?, ?, ?, ?)
