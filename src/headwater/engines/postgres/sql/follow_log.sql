-- The read side follows this log, unless it follows another, or checkpoints are there that must be those of its own.
UPDATE {schema}.headwater_bonds SET follows = $1
WHERE follows IS NULL AND NOT copying
    AND (
        NOT EXISTS (SELECT FROM {schema}.headwater_checkpoints)
        OR (SELECT store_id FROM {schema}.headwater_store) = $1
    )
