-- The generations of a projection.
SELECT projection, number, version, fingerprint, key_ranges, state, began_at, tables FROM headwater_generations
WHERE projection = ?
