-- Whether a generation has something parked in a partition.
SELECT EXISTS (SELECT FROM {schema}.headwater_parked WHERE projection = $1 AND generation = $2 AND partition = $3)
