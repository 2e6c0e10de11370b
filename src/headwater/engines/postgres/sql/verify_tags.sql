-- Tags after one, each with whether the event that has it is there.
SELECT
    tagged.tag, tagged.partition, tagged."offset",
    EXISTS (
        SELECT FROM {schema}.{events} AS event
        WHERE event.partition = tagged.partition AND event."offset" = tagged."offset"
    )
FROM {schema}.headwater_tags AS tagged
WHERE (tagged.tag, tagged.partition, tagged."offset") > ($1, $2, $3)
ORDER BY tagged.tag, tagged.partition, tagged."offset"
LIMIT $4
