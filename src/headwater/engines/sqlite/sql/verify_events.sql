-- Events by stream and version after a place, each with what its stream says of itself.
SELECT
    event.stream, event.version, 'offset ' || event."offset", event.event_id, event.timestamp, CAST(event.type AS BLOB), event.schema, event.data,
    event.context, CAST(event.topic AS BLOB), event.checksum, CAST(stream.name AS BLOB), stream.version, stream.chain, stream.last_timestamp
FROM {events} AS event LEFT JOIN headwater_streams AS stream ON stream.id = event.stream
WHERE (event.stream, event.version) > (?, ?)
ORDER BY event.stream, event.version
LIMIT ?
