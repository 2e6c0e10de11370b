-- Replace the data a retry will use.
UPDATE {schema}.headwater_parked SET data = $5
WHERE projection = $1 AND generation = $2 AND partition = $3 AND "offset" = $4
