-- Where a stream stands.
SELECT id, partition_key, version, last_timestamp, chain FROM headwater_streams WHERE name = ?
