-- Which store this is.
INSERT INTO {schema}.headwater_store
    (format, oldest_format, store_id, secret, event_store, command_store, partitions)
VALUES ($1, $2, $3, $4, $5, $6, $7)
