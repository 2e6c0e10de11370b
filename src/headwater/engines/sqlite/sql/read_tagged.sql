-- Events of a range of offsets that have all of these tags and one of these types, if any, by offset, a row for each; looked for by their rarest tag.
SELECT
    event."offset", stream.name, event.version, event.event_id, event.timestamp, event.type, event.schema, event.data,
    event.context, event.topic, event.checksum
FROM headwater_tags AS tagged
CROSS JOIN {events} AS event ON event."offset" = tagged."offset"
CROSS JOIN headwater_streams AS stream ON stream.id = event.stream
WHERE tagged.tag = CASE WHEN json_array_length(?1) = 1 THEN ?1 ->> 0 ELSE (
        SELECT given.value FROM json_each(?1) AS given
        ORDER BY (
            SELECT count(*) FROM (
                SELECT 1 FROM headwater_tags AS counted
                WHERE counted.tag = given.value AND counted."offset" >= ?3
                LIMIT 1000
            )
        )
        LIMIT 1
    ) END
    AND tagged."offset" >= ?3
    AND tagged."offset" < ?4
    AND (?2 IS NULL OR event.type IN (SELECT value FROM json_each(?2)))
    AND (json_array_length(?1) = 1 OR NOT EXISTS (
        SELECT 1 FROM json_each(?1) AS other
        WHERE NOT EXISTS (
            SELECT 1 FROM headwater_tags AS held WHERE held.tag = other.value AND held."offset" = tagged."offset"
        )
    ))
ORDER BY tagged."offset"
LIMIT ?5
