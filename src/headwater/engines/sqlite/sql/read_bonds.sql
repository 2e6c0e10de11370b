-- Which store this is, whose log its read side follows, what it is a copy of, and whether it is still being made one.
SELECT store_id, follows, copy_of, copying FROM headwater_store
