-- Forget what a projection has parked.
DELETE FROM headwater_parked WHERE projection = ?
