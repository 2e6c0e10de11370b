-- The copy is whole.
UPDATE {schema}.headwater_bonds SET copying = FALSE
