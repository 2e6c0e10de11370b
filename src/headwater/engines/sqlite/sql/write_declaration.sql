-- What a read model's table is made for now.
INSERT OR REPLACE INTO headwater_read_models (table_name, declaration) VALUES (?, ?)
