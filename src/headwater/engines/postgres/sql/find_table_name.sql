-- What a table is called now, as it stands in a statement; its bare number where it is gone. Not as of any snapshot.
SELECT $1::oid::regclass::text
