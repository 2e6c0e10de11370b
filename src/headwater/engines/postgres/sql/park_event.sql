-- Set an event aside; parked before, it keeps edited data, and the attempts add up.
INSERT INTO {schema}.headwater_parked AS kept (
    projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (projection, generation, partition, "offset") DO UPDATE SET
    key = excluded.key,
    type = excluded.type,
    error = excluded.error,
    trace = excluded.trace,
    attempts = kept.attempts + excluded.attempts,
    parked_at = excluded.parked_at,
    retry_at = excluded.retry_at,
    data = coalesce(excluded.data, kept.data)
