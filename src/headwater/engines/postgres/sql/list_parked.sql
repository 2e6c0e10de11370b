-- What is parked after a place, of one projection, key, generation or partition if asked.
SELECT projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
FROM {schema}.headwater_parked
WHERE (projection, generation, partition, "offset") > ($1, $2, $3, $4)
    AND ($5::text IS NULL OR projection = $5)
    AND ($6::text IS NULL OR key = $6)
    AND ($7::bigint IS NULL OR generation = $7)
    AND ($8::integer IS NULL OR partition = $8)
ORDER BY projection, generation, partition, "offset"
LIMIT $9
