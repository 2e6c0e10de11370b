-- What folding a stream takes, from a version on.
SELECT version, type, schema, topic, data, checksum
FROM {schema}.{events}
WHERE stream = $1 AND version >= $2
ORDER BY version
