-- The keys that are parked, each with how many and what its first one says; all of them where the limit is null.
SELECT projection, generation, partition, key, first, events, error, retry_at
FROM (
    SELECT DISTINCT ON (partition, key)
        projection, generation, partition, key, "offset" AS first, error, retry_at,
        count(*) OVER (PARTITION BY partition, key) AS events
    FROM {schema}.headwater_parked
    WHERE projection = $1 AND generation = $2 AND ($3::integer IS NULL OR partition = $3)
    ORDER BY partition, key, "offset"
) AS queue
ORDER BY partition, first
LIMIT $4
