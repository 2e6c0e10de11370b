-- Keep how far a projection is at a place.
INSERT INTO {schema}.headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (projection, partition, generation, key_range) DO UPDATE SET
    "offset" = excluded."offset", epoch = excluded.epoch, effects = excluded.effects
