-- How far a generation is.
SELECT projection, partition, generation, key_range, "offset", epoch, effects FROM {schema}.headwater_checkpoints
WHERE projection = $1 AND generation = $2
ORDER BY partition, key_range
