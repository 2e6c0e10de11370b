-- How far a projection is at a place.
SELECT "offset", epoch, effects FROM headwater_checkpoints
WHERE projection = ? AND partition = ? AND generation = ? AND key_range = ?
