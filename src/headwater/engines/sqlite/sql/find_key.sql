-- Who holds a unique key.
SELECT stream.id, stream.name FROM headwater_unique_keys AS held JOIN headwater_streams AS stream ON stream.id = held.stream
WHERE held.scope = ? AND held.value = ?
