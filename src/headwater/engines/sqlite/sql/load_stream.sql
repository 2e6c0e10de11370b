-- Events of one stream as one row: columns as JSON, event ids one after the other, data and contexts in lines.
SELECT
    CAST(json_group_array(json_array(
        "offset", ?1, version, timestamp, type, schema, topic, checksum
    )) AS BLOB),
    CAST(group_concat(event_id, '') AS BLOB),
    CAST(group_concat(data, char(10)) AS BLOB),
    CAST(group_concat(context, char(10)) AS BLOB)
FROM (
    SELECT * FROM {events}
    WHERE stream = (SELECT id FROM headwater_streams WHERE name = ?1) AND version > ?2 AND version <= ?3
    ORDER BY version
    LIMIT ?4
)
