-- Replace the data a retry will use.
UPDATE headwater_parked SET data = ? WHERE projection = ? AND generation = ? AND partition = ? AND "offset" = ?
