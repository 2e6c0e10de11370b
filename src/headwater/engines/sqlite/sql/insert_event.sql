-- One event.
INSERT INTO {events} ("offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
