-- What went wrong with a generation is over.
DELETE FROM headwater_troubles WHERE projection = ? AND generation = ?
