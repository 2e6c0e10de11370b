-- Whether a generation has something parked in a partition.
SELECT EXISTS (SELECT 1 FROM headwater_parked WHERE projection = ? AND generation = ? AND partition = ?)
