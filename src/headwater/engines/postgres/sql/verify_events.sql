-- Events by stream and version after a place, each with what its stream says of itself, and whether it lies in another
-- partition than that. Text as bytes, whatever they are.
SELECT
    event.stream, event.version, 'partition ' || event.partition || ', offset ' || event."offset", event.event_id,
    event.timestamp, textsend(event.type), event.schema, event.data, event.context, textsend(event.topic),
    event.checksum, textsend(stream.name), coalesce(stream.version, 0), coalesce(stream.chain, 0),
    coalesce(stream.last_timestamp, 0), event.partition <> stream.partition
FROM {schema}.{events} AS event LEFT JOIN {schema}.headwater_streams AS stream ON stream.name = event.stream
WHERE (event.stream, event.version) > ($1, $2)
ORDER BY event.stream, event.version
LIMIT $3
