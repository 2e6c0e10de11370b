-- How many migrations made this store, and how many of them a release has to know at least.
SELECT format, oldest_format FROM {schema}.headwater_store
