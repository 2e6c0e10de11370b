-- How far a projection is at a place: which state its generation is in, whether it has begun generations at all, and
-- where the checkpoint stands.
SELECT
    (SELECT state FROM {schema}.headwater_generations WHERE projection = $1 AND number = $3),
    EXISTS (SELECT FROM {schema}.headwater_generations WHERE projection = $1),
    coalesce(kept."offset", 0), coalesce(kept.epoch, 0), coalesce(kept.effects, 0)
FROM (SELECT) AS nothing LEFT JOIN {schema}.headwater_checkpoints AS kept
    ON kept.projection = $1 AND kept.partition = $2 AND kept.generation = $3 AND kept.key_range = $4
