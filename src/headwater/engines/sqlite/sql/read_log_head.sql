-- The offset the next event will get.
SELECT coalesce(max("offset") + 1, 0) FROM {events}
