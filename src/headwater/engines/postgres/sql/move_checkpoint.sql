-- Move a checkpoint, if it still stands where the batch started and no later epoch has written it: whether it was,
-- which state its generation is in, and whether the projection has begun generations at all.
WITH moved AS (
    UPDATE {schema}.headwater_checkpoints SET "offset" = $5, epoch = $6, effects = coalesce($7, effects)
    WHERE projection = $1 AND partition = $2 AND generation = $3 AND key_range = $4 AND "offset" = $8 AND epoch <= $6
    RETURNING TRUE
)
SELECT
    EXISTS (SELECT FROM moved),
    (SELECT state FROM {schema}.headwater_generations WHERE projection = $1 AND number = $3),
    EXISTS (SELECT FROM {schema}.headwater_generations WHERE projection = $1)
