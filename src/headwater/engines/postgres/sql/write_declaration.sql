-- What a read model's table is for, from now on.
INSERT INTO {schema}.headwater_read_models (table_name, declaration) VALUES ($1, $2)
ON CONFLICT (table_name) DO UPDATE SET declaration = excluded.declaration
