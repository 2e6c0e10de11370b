-- Wanted events of a range of offsets, and behind them, as a row that is none, the end of the partition. A null restricts nothing.
(
    SELECT
        partition, "offset", stream, version, event_id, timestamp, type, schema, data, context, topic, checksum
    FROM {schema}.{events}
    WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3
        AND ($4::boolean OR topic IS NULL)
        AND ($5::text[] IS NULL OR type = ANY($5))
        AND ($6::text[] IS NULL OR split_part(stream, '-', 1) = ANY($6))
        AND ($7::bigint IS NULL OR timestamp >= $7)
        AND ($8::bigint IS NULL OR timestamp < $8)
        AND ($9::text IS NULL OR stream = $9)
    ORDER BY "offset"
    LIMIT $10
)
UNION ALL
SELECT partition, next, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM {schema}.headwater_partitions
WHERE partition = $1
