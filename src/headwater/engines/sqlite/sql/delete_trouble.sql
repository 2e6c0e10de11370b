-- What went wrong at a place is over.
DELETE FROM headwater_troubles WHERE projection = ? AND partition = ? AND generation = ? AND key_range = ?
