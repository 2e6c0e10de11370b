-- What a fold takes of the events after a version, as one row: a row for each event would cost the reader a turn at
-- the interpreter's lock for each. A hidden event has no type; data lies in lines. The last checksum is that of the
-- last event, as max() is the only minimum or maximum here.
SELECT
    max(version),
    checksum,
    CAST(group_concat(iif(topic IS NULL, type, '')) AS BLOB),
    group_concat(schema),
    CAST(group_concat(data, char(10)) AS BLOB)
FROM (
    SELECT version, checksum, type, schema, topic, data FROM {events}
    WHERE stream = (SELECT id FROM headwater_streams WHERE name = ?1) AND version > ?2
    ORDER BY version
    LIMIT ?3
)
