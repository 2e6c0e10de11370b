-- Whoever works on a generation, by its checkpoints or by the leases of its places, has an older epoch now.
UPDATE {schema}.headwater_checkpoints AS kept
SET epoch = 1 + greatest(kept.epoch, (
    SELECT lease.epoch FROM {schema}.headwater_leases AS lease
    WHERE lease.name = 'projection:' || kept.projection || ':' || kept.generation || ':' || kept.partition || ':'
        || kept.key_range
))
WHERE projection = $1 AND generation = $2
