-- Let a projection go on.
DELETE FROM headwater_pauses WHERE projection = ?
