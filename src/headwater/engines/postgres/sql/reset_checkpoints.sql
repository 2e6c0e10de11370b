-- A generation's checkpoints to 0, in one partition if asked, else in every one of the log, so that none can be begun
-- under an older epoch; each range of keys has one, and those kept of other ranges or partitions go back, too. What has
-- run of side effects has run.
WITH
    range (number) AS (SELECT generate_series(0, $4::bigint - 1)),
    log (partition) AS (
        SELECT $5::integer WHERE $5 IS NOT NULL
        UNION ALL
        SELECT partition FROM {schema}.headwater_partitions WHERE $5 IS NULL
    ),
    kept (partition, key_range) AS (
        SELECT partition, key_range FROM {schema}.headwater_checkpoints
        WHERE projection = $1 AND generation = $2 AND ($5 IS NULL OR partition = $5)
    ),
    place (partition, key_range) AS (
        SELECT log.partition, range.number FROM log CROSS JOIN range
        UNION
        SELECT kept.partition, range.number FROM kept CROSS JOIN range
        UNION
        SELECT partition, key_range FROM kept
    )
INSERT INTO {schema}.headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
SELECT $1, partition, $2, key_range, 0, $3, 0 FROM place
ON CONFLICT (projection, partition, generation, key_range) DO UPDATE SET "offset" = 0, epoch = excluded.epoch
