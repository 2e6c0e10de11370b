-- The format a migration has brought the store to.
UPDATE {schema}.headwater_store SET format = $1
