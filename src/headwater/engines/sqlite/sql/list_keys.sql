-- Claimed keys by scope and value, after one, each with its stream if that is there.
SELECT held.scope, held.value, stream.name
FROM headwater_unique_keys AS held LEFT JOIN headwater_streams AS stream ON stream.id = held.stream
WHERE (held.scope, held.value) > (?, ?) ORDER BY held.scope, held.value LIMIT ?
