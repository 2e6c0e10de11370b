-- Every generation, or those of one projection.
SELECT projection, number, version, fingerprint, key_ranges, state, began_at, tables
FROM {schema}.headwater_generations
WHERE $1::text IS NULL OR projection = $1
ORDER BY projection, number
