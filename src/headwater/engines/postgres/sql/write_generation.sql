-- Keep a generation.
INSERT INTO {schema}.headwater_generations (
    projection, number, version, fingerprint, key_ranges, state, began_at, tables
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (projection, number) DO UPDATE SET
    version = excluded.version,
    fingerprint = excluded.fingerprint,
    key_ranges = excluded.key_ranges,
    state = excluded.state,
    began_at = excluded.began_at,
    tables = excluded.tables
