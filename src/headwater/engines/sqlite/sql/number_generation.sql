-- The number of a projection's next generation: how many it has had.
INSERT INTO headwater_projections (name, generations) VALUES (?, 1)
ON CONFLICT DO UPDATE SET generations = generations + 1
RETURNING generations - 1
