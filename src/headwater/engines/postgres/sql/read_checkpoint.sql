-- How far a projection is at a place.
SELECT "offset", epoch, effects FROM {schema}.headwater_checkpoints
WHERE projection = $1 AND partition = $2 AND generation = $3 AND key_range = $4
