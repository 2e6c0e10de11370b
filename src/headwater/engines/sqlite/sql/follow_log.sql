-- The read side follows this log, unless it follows another, or checkpoints are there that must be those of its own.
UPDATE headwater_store SET follows = ?1
WHERE follows IS NULL AND NOT copying
    AND (store_id = ?1 OR NOT EXISTS (SELECT 1 FROM headwater_checkpoints))
