-- Where a stream stands after an append.
UPDATE headwater_streams SET version = ?, last_timestamp = ?, chain = ? WHERE id = ?
