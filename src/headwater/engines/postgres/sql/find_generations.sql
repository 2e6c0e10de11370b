-- The generations of a projection.
SELECT projection, number, version, fingerprint, key_ranges, state, began_at, tables
FROM {schema}.headwater_generations
WHERE projection = $1
ORDER BY number
