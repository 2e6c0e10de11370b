-- The copy is whole.
UPDATE headwater_store SET copying = 0
