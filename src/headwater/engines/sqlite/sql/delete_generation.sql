-- Forget a generation.
DELETE FROM headwater_generations WHERE projection = ? AND number = ?
