-- Streams after one, each with its category: whether its version is that of its last event, and whether its category is
-- counted at all.
SELECT
    stream.name,
    stream.category,
    stream.version = coalesce(
        (SELECT max(event.version) FROM {schema}.{events} AS event WHERE event.stream = stream.name), 0
    ),
    EXISTS (SELECT FROM {schema}.headwater_categories AS known WHERE known.name = stream.category)
FROM {schema}.headwater_streams AS stream
WHERE stream.name > $1
ORDER BY stream.name
LIMIT $2
