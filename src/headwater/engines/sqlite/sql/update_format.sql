-- The format a migration has brought the store to.
UPDATE headwater_store SET format = ?
