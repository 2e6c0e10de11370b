-- Give a lease back, if it is still the owner's, and keep everybody from it for a while.
UPDATE {schema}.headwater_leases SET expires_at = 0, retry_at = $4 WHERE name = $1 AND owner = $2 AND epoch = $3
