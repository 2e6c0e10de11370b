-- Rows of a read model have changed.
INSERT INTO headwater_changes (table_name, changes) VALUES (?, 1)
ON CONFLICT DO UPDATE SET changes = changes + 1
