-- Forget a parked event.
DELETE FROM headwater_parked WHERE projection = ? AND generation = ? AND partition = ? AND "offset" = ?
