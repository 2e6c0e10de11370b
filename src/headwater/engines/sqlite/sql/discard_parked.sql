-- Forget a parked event.
DELETE FROM headwater_parked WHERE projection = ? AND partition = ? AND "offset" = ?
