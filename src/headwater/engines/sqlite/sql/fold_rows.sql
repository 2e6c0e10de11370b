-- What a fold takes of the events after a version, a row for each: for streams of a few events.
SELECT version, checksum, type, schema, topic, data FROM {events}
WHERE stream = (SELECT id FROM headwater_streams WHERE name = ?1) AND version > ?2
ORDER BY version
LIMIT ?3
