-- Leases that have not expired, now being $1 or by the server's clock.
SELECT name, owner, epoch, expires_at
FROM {schema}.headwater_leases
WHERE expires_at > coalesce($1::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
ORDER BY name
