-- Move a projection's checkpoint.
INSERT INTO headwater_checkpoints (projection, partition, "offset", epoch) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET "offset" = excluded."offset", epoch = excluded.epoch
