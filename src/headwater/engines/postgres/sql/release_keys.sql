-- Give unique keys up.
DELETE FROM {schema}.headwater_unique_keys AS held
USING unnest($1::text[], $2::text[], $3::text[]) AS released (scope, value, stream)
WHERE held.scope = released.scope AND held.value = released.value AND held.stream = released.stream
