-- Unique keys after one, each with whether the stream that holds it is there.
SELECT
    held.scope, held.value,
    EXISTS (SELECT FROM {schema}.headwater_streams AS stream WHERE stream.name = held.stream)
FROM {schema}.headwater_unique_keys AS held
WHERE (held.scope, held.value) > ($1, $2)
ORDER BY held.scope, held.value
LIMIT $3
