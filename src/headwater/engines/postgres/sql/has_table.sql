-- Whether a table of this name, with its schema, is there. Not to_regclass, which inside a transaction may know less
-- than a look at the catalogue does.
SELECT EXISTS (
    SELECT 1
    FROM pg_class AS found JOIN pg_namespace AS schema ON schema.oid = found.relnamespace
    WHERE schema.nspname = (parse_ident($1))[1] AND found.relname = (parse_ident($1))[2]
)
