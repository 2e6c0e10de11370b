-- A read model's table has another name now.
UPDATE headwater_read_models SET table_name = ? WHERE table_name = ?
