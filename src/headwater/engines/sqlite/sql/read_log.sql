-- Matching events of a range of offsets as one row, and the end of the log. A null list or bound restricts nothing.
SELECT
    CAST(json_group_array(json_array(
        "offset", name, version, timestamp, type, schema, topic, checksum
    )) AS BLOB),
    CAST(group_concat(event_id, '') AS BLOB),
    CAST(group_concat(data, char(10)) AS BLOB),
    CAST(group_concat(context, char(10)) AS BLOB),
    (SELECT coalesce(max("offset") + 1, 0) FROM {events})
FROM (
    SELECT event.*, stream.name FROM {events} AS event CROSS JOIN headwater_streams AS stream ON stream.id = event.stream
    WHERE event."offset" >= ?1 AND event."offset" < ?2
        AND (?3 OR event.topic IS NULL)
        AND (?4 IS NULL OR event.type IN (SELECT value FROM json_each(?4)))
        AND (?5 IS NULL OR stream.category IN (SELECT value FROM json_each(?5)))
        AND (?6 IS NULL OR event.timestamp >= ?6)
        AND (?7 IS NULL OR event.timestamp < ?7)
        AND (?8 IS NULL OR stream.name = ?8)
    ORDER BY event."offset"
    LIMIT ?9
)
