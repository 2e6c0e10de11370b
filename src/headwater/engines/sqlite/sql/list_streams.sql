-- Streams by name, after one.
SELECT name, version, last_timestamp, partition_key
FROM headwater_streams WHERE name > ? AND name < ? ORDER BY name LIMIT ?
