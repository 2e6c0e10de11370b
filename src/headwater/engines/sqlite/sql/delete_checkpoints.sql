-- Forget how far a generation is.
DELETE FROM headwater_checkpoints WHERE projection = ? AND generation = ?
