-- Keep a snapshot, unless a later one is kept.
INSERT INTO {schema}.headwater_snapshots AS kept (stream, kind, version, state, checksum)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (stream, kind) DO UPDATE SET
    version = excluded.version, state = excluded.state, checksum = excluded.checksum
WHERE excluded.version >= kept.version
