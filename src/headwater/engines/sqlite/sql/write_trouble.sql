-- What went wrong at a place.
INSERT OR REPLACE INTO headwater_troubles (
    projection, partition, generation, key_range, kind, error, "offset", since, owner, failures, retry_at
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
