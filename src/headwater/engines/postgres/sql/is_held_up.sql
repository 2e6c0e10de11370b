-- Whether a projection is paused, or a generation of it has something parked in a partition.
SELECT
    EXISTS (SELECT FROM {schema}.headwater_pauses WHERE projection = $1)
    OR EXISTS (SELECT FROM {schema}.headwater_parked WHERE projection = $1 AND generation = $2 AND partition = $3)
