-- What is parked of one key in one partition after an offset, by the index of keys.
SELECT projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
FROM headwater_parked
WHERE projection = ? AND generation = ? AND partition = ? AND key = ? AND "offset" > ?
ORDER BY "offset"
LIMIT ?
