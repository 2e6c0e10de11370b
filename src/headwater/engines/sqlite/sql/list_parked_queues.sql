-- The keys that are parked, each with how many and what its first one says: the other columns are of the minimum's row.
SELECT projection, generation, partition, key, min("offset"), count(*), error, retry_at
FROM headwater_parked
WHERE projection = ?1 AND generation = ?2 AND (?3 IS NULL OR partition = ?3)
GROUP BY projection, generation, partition, key
ORDER BY partition, min("offset")
LIMIT ?4
