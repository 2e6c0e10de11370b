-- Forget what a generation has parked, in one partition if asked.
DELETE FROM {schema}.headwater_parked
WHERE projection = $1 AND generation = $2 AND ($3::integer IS NULL OR partition = $3)
