-- The format a migration has brought the store to, and the oldest one that runs on it.
UPDATE {schema}.headwater_store SET format = $1, oldest_format = $2
