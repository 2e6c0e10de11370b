-- What went wrong at a place.
INSERT INTO {schema}.headwater_troubles (
    projection, partition, generation, key_range, kind, error, "offset", since, owner, failures, retry_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (projection, partition, generation, key_range) DO UPDATE SET
    kind = excluded.kind,
    error = excluded.error,
    "offset" = excluded."offset",
    since = excluded.since,
    owner = excluded.owner,
    failures = excluded.failures,
    retry_at = excluded.retry_at
