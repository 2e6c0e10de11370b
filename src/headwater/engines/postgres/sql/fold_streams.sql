-- What folding several streams takes, each from a version on, by the number of the stream. Read by key: no plan may scan the log.
SELECT wanted.number, event.version, event.type, event.schema, event.topic, event.data, event.checksum
FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS wanted (stream, after, number),
    LATERAL (
        SELECT found.version, found.type, found.schema, found.topic, found.data, found.checksum
        FROM {schema}.{events} AS found
        WHERE found.stream = wanted.stream AND found.version >= wanted.after
        ORDER BY found.version
        OFFSET 0
    ) AS event
ORDER BY wanted.number, event.version
