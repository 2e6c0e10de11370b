-- The snapshot of a stream's fold.
SELECT version, state, checksum FROM headwater_snapshots WHERE stream = ? AND kind = ?
