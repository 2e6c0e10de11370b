-- Give a lease back, if it is still the owner's, and keep everybody from it for a while.
UPDATE headwater_leases SET expires_at = 0, retry_at = ?, since = ? WHERE name = ? AND owner = ? AND epoch = ?
