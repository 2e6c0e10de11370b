-- Forget parked events of a partition, by offset.
DELETE FROM {schema}.headwater_parked
WHERE projection = $1 AND generation = $2 AND partition = $3 AND "offset" = ANY($4::bigint[])
