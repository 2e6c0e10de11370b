-- Give a lease back, if it is still the owner's; its epoch stays.
UPDATE {schema}.headwater_leases SET expires_at = 0 WHERE name = $1 AND owner = $2 AND epoch = $3
