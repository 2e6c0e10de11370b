-- Set an event aside; parked before, it keeps edited data, and the attempts add up.
INSERT INTO headwater_parked (
    projection, generation, partition, "offset", key, type, error, trace, attempts, parked_at, retry_at, data
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    key = excluded.key,
    type = excluded.type,
    error = excluded.error,
    trace = excluded.trace,
    attempts = attempts + excluded.attempts,
    parked_at = excluded.parked_at,
    retry_at = excluded.retry_at,
    data = coalesce(excluded.data, data)
