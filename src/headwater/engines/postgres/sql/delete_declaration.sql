-- A read model's table is gone.
DELETE FROM {schema}.headwater_read_models WHERE table_name = $1
