-- The first checkpoint of a place, unless there is one.
INSERT INTO {schema}.headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING
