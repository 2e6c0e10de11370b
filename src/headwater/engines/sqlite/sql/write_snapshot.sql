-- Keep a snapshot, unless a later one is kept.
INSERT INTO headwater_snapshots (stream, kind, version, state, checksum) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET version = excluded.version, state = excluded.state, checksum = excluded.checksum
WHERE excluded.version >= version
