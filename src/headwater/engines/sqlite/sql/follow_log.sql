-- The read side follows this log, unless it follows another, or checkpoints are there that must be those of its own.
UPDATE headwater_bonds SET follows = ?1
WHERE follows IS NULL AND NOT copying
    AND (NOT EXISTS (SELECT 1 FROM headwater_checkpoints) OR (SELECT store_id FROM headwater_store) = ?1)
