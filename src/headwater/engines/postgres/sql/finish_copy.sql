-- The copy is whole.
UPDATE {schema}.headwater_store SET copying = FALSE
