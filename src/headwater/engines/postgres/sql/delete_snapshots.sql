-- Forget the snapshots of a stream.
DELETE FROM {schema}.headwater_snapshots WHERE stream = $1
