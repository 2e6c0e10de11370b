-- How many migrations made this store.
SELECT format FROM {schema}.headwater_store
