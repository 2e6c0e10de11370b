-- Until the end of the transaction, nobody else migrates a store in this schema.
SELECT pg_advisory_xact_lock(hashtext('headwater migrations'), hashtext($1))
