-- Which store this is, whose log its read side follows, what it is a copy of, and whether it is still being made one.
SELECT store.store_id, bond.follows, bond.copy_of, bond.copying
FROM headwater_store AS store, headwater_bonds AS bond
