-- Events of these kinds from each partition's offset on, each with its partition and where that ends; a row without an event where there is none.
SELECT found.*, log.partition, log.next
FROM unnest($1::jsonb[], $2::jsonb[]) AS wanted (tags, types)
CROSS JOIN unnest($3::integer[], $4::bigint[]) AS place (partition, start)
JOIN {schema}.headwater_partitions AS log ON log.partition = place.partition
LEFT JOIN LATERAL (
    SELECT
        event.partition, event."offset", event.stream, event.version, event.event_id, event.timestamp, event.type,
        event.schema, event.data, event.context, event.topic, event.checksum
    FROM {schema}.headwater_tags AS tagged
    JOIN {schema}.{events} AS event ON event.partition = tagged.partition AND event."offset" = tagged."offset"
    WHERE tagged.tag = CASE WHEN jsonb_array_length(wanted.tags) = 1 THEN wanted.tags ->> 0 ELSE (
            SELECT given.tag
            FROM jsonb_array_elements_text(wanted.tags) AS given (tag)
            ORDER BY (
                SELECT count(*) FROM (
                    SELECT FROM {schema}.headwater_tags AS counted
                    WHERE counted.tag = given.tag AND counted.partition = place.partition
                        AND counted."offset" >= place.start
                    LIMIT 1000
                ) AS few
            )
            LIMIT 1
        ) END
        AND tagged.partition = place.partition
        AND tagged."offset" >= place.start
        AND (wanted.types IS NULL OR wanted.types ? event.type)
        AND (jsonb_array_length(wanted.tags) = 1 OR NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(wanted.tags) AS other (tag)
            WHERE NOT EXISTS (
                SELECT FROM {schema}.headwater_tags AS held
                WHERE held.tag = other.tag AND held.partition = tagged.partition AND held."offset" = tagged."offset"
            )
        ))
    ORDER BY tagged."offset"
    LIMIT $5
) AS found ON TRUE
