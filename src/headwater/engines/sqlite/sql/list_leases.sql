-- Leases that have not expired, and are not from a time that is still to come.
SELECT name, owner, epoch, expires_at FROM headwater_leases WHERE expires_at > ?1 AND since <= ?1 ORDER BY name
