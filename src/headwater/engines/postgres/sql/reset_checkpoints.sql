-- A generation's checkpoints to 0, in one partition if asked, else also of partition 0 if there are none yet; each
-- range of keys has one, and those kept of other ranges go back, too. What has run of side effects has run.
WITH
    range (number) AS (SELECT generate_series(0, $4::bigint - 1)),
    kept (partition, key_range) AS (
        SELECT partition, key_range FROM {schema}.headwater_checkpoints
        WHERE projection = $1 AND generation = $2 AND ($5::integer IS NULL OR partition = $5)
    ),
    place (partition, key_range) AS (
        SELECT coalesce($5, 0), number FROM range
        UNION
        SELECT kept.partition, range.number FROM kept CROSS JOIN range
        UNION
        SELECT partition, key_range FROM kept
    )
INSERT INTO {schema}.headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
SELECT $1, partition, $2, key_range, 0, $3, 0 FROM place
ON CONFLICT (projection, partition, generation, key_range) DO UPDATE SET "offset" = 0, epoch = excluded.epoch
