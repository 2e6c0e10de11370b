-- Which kinds of events, by number, are in a partition from an offset on: those with all of these tags and one of these types, if any; looked for by their rarest tag.
SELECT DISTINCT wanted.number
FROM unnest($1::integer[], $2::jsonb[], $3::jsonb[], $4::integer[], $5::bigint[])
    AS wanted (number, tags, types, partition, start)
CROSS JOIN LATERAL (
    SELECT 1
    FROM {schema}.headwater_tags AS tagged
    JOIN {schema}.{events} AS event ON event.partition = tagged.partition AND event."offset" = tagged."offset"
    WHERE tagged.tag = CASE WHEN jsonb_array_length(wanted.tags) = 1 THEN wanted.tags ->> 0 ELSE (
            SELECT given.tag
            FROM jsonb_array_elements_text(wanted.tags) AS given (tag)
            ORDER BY (
                SELECT count(*) FROM (
                    SELECT FROM {schema}.headwater_tags AS counted
                    WHERE counted.tag = given.tag AND counted.partition = wanted.partition
                        AND counted."offset" >= wanted.start
                    LIMIT 1000
                ) AS few
            )
            LIMIT 1
        ) END
        AND tagged.partition = wanted.partition
        AND tagged."offset" >= wanted.start
        AND (wanted.types IS NULL OR wanted.types ? event.type)
        AND (jsonb_array_length(wanted.tags) = 1 OR NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(wanted.tags) AS other (tag)
            WHERE NOT EXISTS (
                SELECT FROM {schema}.headwater_tags AS held
                WHERE held.tag = other.tag AND held.partition = tagged.partition AND held."offset" = tagged."offset"
            )
        ))
    ORDER BY tagged."offset"
    LIMIT 1
) AS found
