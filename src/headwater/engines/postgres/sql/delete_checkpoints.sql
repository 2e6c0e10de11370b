-- Forget how far a generation is.
DELETE FROM {schema}.headwater_checkpoints WHERE projection = $1 AND generation = $2
