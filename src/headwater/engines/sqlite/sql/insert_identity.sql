-- Which store this is, once and for all.
INSERT INTO headwater_store (only, format, store_id, secret, event_store, command_store) VALUES (1, ?, ?, ?, ?, ?)
