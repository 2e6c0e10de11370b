-- Forget a generation.
DELETE FROM {schema}.headwater_generations WHERE projection = $1 AND number = $2
