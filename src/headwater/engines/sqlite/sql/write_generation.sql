-- Keep a generation.
INSERT OR REPLACE INTO headwater_generations (
    projection, number, version, fingerprint, key_ranges, state, began_at, tables
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
