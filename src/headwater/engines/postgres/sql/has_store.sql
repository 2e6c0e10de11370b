-- Whether a table of this name, with its schema, is there.
SELECT to_regclass($1) IS NOT NULL
