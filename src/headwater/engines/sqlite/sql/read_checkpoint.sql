-- How far a projection is in a partition.
SELECT "offset", epoch FROM headwater_checkpoints WHERE projection = ? AND partition = ?
