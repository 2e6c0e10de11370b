-- Forget the snapshots of a stream.
DELETE FROM headwater_snapshots WHERE stream = ?
