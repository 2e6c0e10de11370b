-- Nobody holds these unique keys any more.
DELETE FROM {schema}.headwater_unique_keys AS held
USING unnest($1::text[], $2::text[]) AS dropped (scope, value)
WHERE held.scope = dropped.scope AND held.value = dropped.value
