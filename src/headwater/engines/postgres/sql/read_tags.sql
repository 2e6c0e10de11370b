-- The tags of a range of events, those of each in order.
SELECT "offset", tag
FROM {schema}.headwater_tags
WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3
ORDER BY "offset", tag
