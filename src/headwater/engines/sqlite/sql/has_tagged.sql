-- Whether there is an event, from an offset on, that has all of these tags and one of these types, if any; looked for by its rarest tag.
SELECT 1
FROM headwater_tags AS tagged
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
    AND (?2 IS NULL OR (SELECT type FROM {events} AS event WHERE event."offset" = tagged."offset") IN (
        SELECT value FROM json_each(?2)
    ))
    AND (json_array_length(?1) = 1 OR NOT EXISTS (
        SELECT 1 FROM json_each(?1) AS other
        WHERE NOT EXISTS (
            SELECT 1 FROM headwater_tags AS held WHERE held.tag = other.value AND held."offset" = tagged."offset"
        )
    ))
LIMIT 1
