-- How far every projection is, or one of them.
SELECT projection, partition, generation, key_range, "offset", epoch, effects FROM {schema}.headwater_checkpoints
WHERE $1::text IS NULL OR projection = $1
ORDER BY projection, partition, generation, key_range
