-- What went wrong and is not over.
SELECT projection, partition, generation, key_range, kind, error, "offset", since, owner, failures, retry_at
FROM {schema}.headwater_troubles
ORDER BY projection, partition, generation, key_range
