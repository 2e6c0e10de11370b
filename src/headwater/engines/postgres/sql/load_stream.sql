-- Events of one stream, by version.
SELECT partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
FROM {schema}.{events}
WHERE stream = $1 AND version > $2 AND version <= $3
ORDER BY version
LIMIT $4
