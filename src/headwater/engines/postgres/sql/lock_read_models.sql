-- Until the end of the transaction, nobody else makes tables of read models in this schema.
SELECT pg_advisory_xact_lock(hashtext('headwater read models'), hashtext($1))
