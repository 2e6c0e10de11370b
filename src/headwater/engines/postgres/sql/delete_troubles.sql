-- What went wrong with a generation is over.
DELETE FROM {schema}.headwater_troubles WHERE projection = $1 AND generation = $2
