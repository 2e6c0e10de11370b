-- Streams whose names lie between two.
SELECT name, version, last_timestamp, partition_key
FROM {schema}.headwater_streams
WHERE name > $1 AND name < $2
ORDER BY name
LIMIT $3
