-- The stream that holds a unique key.
SELECT stream FROM {schema}.headwater_unique_keys WHERE scope = $1 AND value = $2
