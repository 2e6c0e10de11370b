-- What is parked of one key in one partition, by the index of keys.
SELECT projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
FROM {schema}.headwater_parked
WHERE projection = $1 AND generation = $2 AND partition = $3 AND key = $4
ORDER BY "offset"
LIMIT $5
