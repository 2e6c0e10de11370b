-- Every checkpoint of a projection to 0, of partition 0 even if there is none yet.
INSERT INTO headwater_checkpoints (projection, partition, "offset", epoch)
SELECT ?1, partition, 0, ?2
FROM (SELECT 0 AS partition UNION SELECT partition FROM headwater_checkpoints WHERE projection = ?1) WHERE TRUE
ON CONFLICT DO UPDATE SET "offset" = 0, epoch = excluded.epoch
