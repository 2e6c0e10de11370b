-- What was declared when a read model's table was made, as JSON.

CREATE TABLE headwater_read_models (
    table_name TEXT PRIMARY KEY,
    declaration TEXT NOT NULL
) STRICT, WITHOUT ROWID;
