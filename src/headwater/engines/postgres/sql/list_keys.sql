-- Unique keys behind a place.
SELECT scope, value, stream
FROM {schema}.headwater_unique_keys
WHERE (scope, value) > ($1, $2)
ORDER BY scope, value
LIMIT $3
