-- Move a checkpoint, if it still stands where the batch started and no later epoch has written it.
UPDATE headwater_checkpoints SET "offset" = ?, epoch = ?, effects = coalesce(?, effects)
WHERE projection = ? AND partition = ? AND generation = ? AND key_range = ? AND "offset" = ? AND epoch <= ?
