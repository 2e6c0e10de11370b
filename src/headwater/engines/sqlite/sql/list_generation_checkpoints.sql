-- How far a generation is.
SELECT projection, partition, generation, key_range, "offset", epoch, effects FROM headwater_checkpoints
WHERE projection = ? AND generation = ?
ORDER BY partition, key_range
