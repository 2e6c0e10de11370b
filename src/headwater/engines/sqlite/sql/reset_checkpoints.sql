-- A generation's checkpoints to 0, in one partition if asked, else also of partition 0 if there are none yet; each
-- range of keys has one. What has run of side effects has run.
WITH RECURSIVE
    range (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM range WHERE number + 1 < ?4),
    place (partition) AS (
        SELECT coalesce(?5, 0)
        UNION
        SELECT partition FROM headwater_checkpoints WHERE projection = ?1 AND generation = ?2 AND ?5 IS NULL
    )
INSERT INTO headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
SELECT ?1, place.partition, ?2, range.number, 0, ?3, 0
FROM place CROSS JOIN range WHERE TRUE
ON CONFLICT DO UPDATE SET "offset" = 0, epoch = excluded.epoch
