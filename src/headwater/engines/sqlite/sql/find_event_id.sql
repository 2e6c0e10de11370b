-- The offset of the event with an id.
SELECT "offset" FROM {events} WHERE event_id = ?
