-- Whether an index of a name is there, on whatever table.
SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?)
