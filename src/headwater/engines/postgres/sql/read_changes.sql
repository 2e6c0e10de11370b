-- How often each of these tables has changed, in their sequence.
SELECT coalesce((SELECT sum(changes)::bigint FROM {schema}.headwater_changes WHERE table_name = wanted.name), 0)
FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, place)
ORDER BY place
