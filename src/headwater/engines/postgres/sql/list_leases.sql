-- Leases that have not expired.
SELECT name, owner, epoch, expires_at FROM {schema}.headwater_leases WHERE expires_at > $1 ORDER BY name
