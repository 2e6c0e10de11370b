-- Who holds unique keys, locked in order: nobody gives them up or takes them until the transaction ends.
SELECT held.scope, held.value, held.stream
FROM {schema}.headwater_unique_keys AS held
JOIN unnest($1::text[], $2::text[]) AS wanted (scope, value) ON held.scope = wanted.scope AND held.value = wanted.value
ORDER BY held.scope, held.value
FOR UPDATE OF held
