-- Take unique keys, in order; those that somebody else has taken meanwhile do not come back.
INSERT INTO {schema}.headwater_unique_keys (scope, value, stream)
SELECT scope, value, stream FROM unnest($1::text[], $2::text[], $3::text[]) AS claimed (scope, value, stream)
ON CONFLICT DO NOTHING
RETURNING scope
