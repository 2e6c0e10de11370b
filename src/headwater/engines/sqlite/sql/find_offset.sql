-- The offset of a stream's event.
SELECT "offset" FROM {events} WHERE stream = (SELECT id FROM headwater_streams WHERE name = ?) AND version = ?
