-- How often each of these tables has changed, in their sequence, without what the engine $2 has changed since another did.
SELECT coalesce((
    SELECT sum(CASE WHEN engine = $2 THEN changes_elsewhere ELSE changes END)::bigint
    FROM {schema}.headwater_changes WHERE table_name = wanted.name
), 0)
FROM unnest($1::text[]) WITH ORDINALITY AS wanted(name, place)
ORDER BY place
