-- A read model's table is gone.
DELETE FROM headwater_read_models WHERE table_name = ?
