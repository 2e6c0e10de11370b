-- Events by stream and version.
SELECT
    event.partition, event."offset", event.stream, event.version, event.event_id, event.timestamp,
    event.type, event.schema, event.data, event.context, event.topic, event.checksum
FROM unnest($1::text[], $2::bigint[]) AS wanted (stream, version)
JOIN {schema}.{events} AS event ON event.stream = wanted.stream AND event.version = wanted.version
