-- What went wrong at a place is over.
DELETE FROM {schema}.headwater_troubles
WHERE projection = $1 AND partition = $2 AND generation = $3 AND key_range = $4
