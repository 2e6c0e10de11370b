-- Snapshots after a place.
SELECT rowid, stream, version, state, checksum FROM headwater_snapshots WHERE rowid > ? ORDER BY rowid LIMIT ?
