-- Rows of a read model have changed for the first time.
INSERT INTO headwater_changes (table_name, changes) VALUES (?, 1)
