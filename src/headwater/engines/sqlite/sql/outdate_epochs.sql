-- Whoever works on a generation, by its checkpoints or by the leases of its places, has an older epoch now.
UPDATE headwater_checkpoints
SET epoch = 1 + max(epoch, coalesce(
    (
        SELECT lease.epoch FROM headwater_leases AS lease
        WHERE lease.name = 'projection:' || projection || ':' || generation || ':' || partition || ':' || key_range
    ),
    0
))
WHERE projection = ? AND generation = ?
