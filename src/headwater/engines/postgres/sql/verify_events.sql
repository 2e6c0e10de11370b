-- Events by stream and version after a place, each with what its stream says of itself.
SELECT
    event.stream, event.version, 'partition ' || event.partition || ' offset ' || event."offset", event.event_id,
    event.timestamp, convert_to(event.type, 'UTF8'), event.schema, event.data, event.context,
    convert_to(event.topic, 'UTF8'), event.checksum, convert_to(stream.name, 'UTF8'), coalesce(stream.version, 0),
    coalesce(stream.chain, 0), coalesce(stream.last_timestamp, 0)
FROM {schema}.{events} AS event LEFT JOIN {schema}.headwater_streams AS stream ON stream.name = event.stream
WHERE (event.stream, event.version) > ($1, $2)
ORDER BY event.stream, event.version
LIMIT $3
