-- Which store this is.
SELECT format, store_id, secret, event_store, command_store FROM headwater_store
