-- What a read model's table was made for.
SELECT declaration FROM headwater_read_models WHERE table_name = ?
