-- What is parked, of one projection or key if asked.
SELECT projection, partition, "offset", key, type, error, trace, attempts, parked_at, data FROM headwater_parked
WHERE (?1 IS NULL OR projection = ?1) AND (?2 IS NULL OR key = ?2)
ORDER BY projection, partition, "offset"
