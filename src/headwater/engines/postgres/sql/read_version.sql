-- The version of a stream.
SELECT version FROM {schema}.headwater_streams WHERE name = $1
