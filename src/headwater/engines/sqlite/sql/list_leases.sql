-- Leases that have not expired.
SELECT name, owner, epoch, expires_at FROM headwater_leases WHERE expires_at > ? ORDER BY name
