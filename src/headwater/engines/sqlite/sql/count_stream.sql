-- One more stream of a category.
INSERT INTO headwater_categories (name, streams) VALUES (?, 1)
ON CONFLICT (name) DO UPDATE SET streams = streams + 1
