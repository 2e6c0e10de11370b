-- Keep how far a projection is at a place.
INSERT INTO headwater_checkpoints (projection, partition, generation, key_range, "offset", epoch, effects)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET "offset" = excluded."offset", epoch = excluded.epoch, effects = excluded.effects
