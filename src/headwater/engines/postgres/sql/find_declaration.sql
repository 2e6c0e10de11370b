-- What a read model's table was made for.
SELECT declaration FROM {schema}.headwater_read_models WHERE table_name = $1
