-- The tags of a range of events, those of each in order.
SELECT "offset", tag FROM headwater_tags WHERE "offset" >= ? AND "offset" < ? ORDER BY "offset", tag
