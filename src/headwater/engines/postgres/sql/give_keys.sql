-- Unique keys change hands, to streams that are there.
INSERT INTO {schema}.headwater_unique_keys AS held (scope, value, stream)
SELECT given.scope, given.value, given.stream
FROM unnest($1::text[], $2::text[], $3::text[]) AS given (scope, value, stream)
JOIN {schema}.headwater_streams AS stream ON stream.name = given.stream
ORDER BY given.scope, given.value
ON CONFLICT (scope, value) DO UPDATE SET stream = excluded.stream WHERE held.stream <> excluded.stream
