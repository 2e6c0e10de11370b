-- The number of a projection's next generation: how many it has had.
INSERT INTO {schema}.headwater_projections AS known (name, generations) VALUES ($1, 1)
ON CONFLICT (name) DO UPDATE SET generations = known.generations + 1
RETURNING generations - 1
