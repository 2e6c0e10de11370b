-- A read model's table has another name now.
UPDATE {schema}.headwater_read_models SET table_name = $1 WHERE table_name = $2
