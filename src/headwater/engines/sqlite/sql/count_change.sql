-- Rows of a read model have changed.
UPDATE headwater_changes SET changes = changes + 1 WHERE table_name = ?
