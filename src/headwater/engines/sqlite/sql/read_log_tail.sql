-- Events from an offset on, whatever they are, a row for each: for the few at the end of the log.
SELECT
    event."offset", stream.name, event.version, event.event_id, event.timestamp, event.type, event.schema, event.data,
    event.context, event.topic, event.checksum
FROM {events} AS event CROSS JOIN headwater_streams AS stream ON stream.id = event.stream
WHERE event."offset" >= ?1
ORDER BY event."offset"
LIMIT ?2
