-- The copy is whole.
UPDATE headwater_bonds SET copying = 0
