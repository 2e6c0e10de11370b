-- Nobody else moves this checkpoint before the transaction ends.
SELECT 1 FROM {schema}.headwater_checkpoints
WHERE projection = $1 AND partition = $2 AND generation = $3 AND key_range = $4
FOR UPDATE
