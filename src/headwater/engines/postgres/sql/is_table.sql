-- Whether a table of this name, as it stands in a statement, is the one meant. Not as of any snapshot.
SELECT to_regclass($1)::oid = $2::oid
