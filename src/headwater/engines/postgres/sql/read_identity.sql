-- Which store this is, and of how many partitions.
SELECT store_id, secret, event_store, command_store, partitions FROM {schema}.headwater_store
