-- Give a lease back, if it is still the owner's; its epoch stays.
UPDATE headwater_leases SET expires_at = 0 WHERE name = ? AND owner = ? AND epoch = ?
