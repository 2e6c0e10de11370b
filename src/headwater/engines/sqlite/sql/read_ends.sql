-- The offset of the next event and the id of the next stream.
SELECT (SELECT coalesce(max("offset") + 1, 0) FROM {events}), (SELECT coalesce(max(id) + 1, 1) FROM headwater_streams)
