-- The version of a stream.
SELECT version FROM headwater_streams WHERE name = ?
