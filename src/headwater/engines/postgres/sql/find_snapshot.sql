-- A snapshot.
SELECT version, state, checksum FROM {schema}.headwater_snapshots WHERE stream = $1 AND kind = $2
