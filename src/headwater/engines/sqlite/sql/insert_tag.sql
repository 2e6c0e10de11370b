-- One tag of an event.
INSERT INTO headwater_tags (tag, "offset") VALUES (?, ?)
